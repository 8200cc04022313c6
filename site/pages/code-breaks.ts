/** Lets the browser wrap long names such as `CROSS_ACCOUNT_DYNAMO_ROLE_ARN` after an underscore, so that tables fit on the screen. */
import type MarkdownIt from 'markdown-it'

const LONG_NAME_LENGTH = 20

/** A plugin of markdown-it. */
export const addCodeBreaks = (markdown: MarkdownIt): void => {
  const renderCode = markdown.renderer.rules.code_inline
  markdown.renderer.rules.code_inline = (tokens, index, ...rest) => {
    const html = renderCode?.(tokens, index, ...rest) ?? ''
    const isLong = (tokens[index]?.content.length ?? 0) > LONG_NAME_LENGTH
    return isLong ? html.replace(/(?<=>[^<]*\w_)(?=\w[^<]*<)/g, '<wbr>') : html
  }
}
