/** Draws Mermaid diagrams as SVG files in headless Chromium. */
import { join } from 'node:path'
import type { Mermaid } from 'mermaid'
import type { Browser } from 'playwright-core'
import { createMermaidConfig, hashDiagram, type ThemeName } from './themes.ts'

const MERMAID = join(import.meta.dirname, '../node_modules/mermaid/dist/mermaid.min.js')

interface DrawingRequest {
  readonly source: string
  readonly config: object
}

interface Drawing {
  readonly svg: string
  /** Texts that are partly outside the picture. */
  readonly cutTexts: readonly string[]
}

/** Runs in the browser, so it cannot use other functions of this module. */
const drawInBrowser = async ({ source, config }: DrawingRequest): Promise<Drawing> => {
  const { mermaid } = globalThis as unknown as { mermaid: Mermaid }
  mermaid.initialize({ ...config, startOnLoad: false })
  const { svg } = await mermaid.render('diagram', source)
  document.body.innerHTML = svg
  const picture = document.querySelector('svg')
  if (picture === null) throw new Error('Mermaid returned no picture.')
  const { width, height } = picture.viewBox.baseVal
  picture.setAttribute('width', String(Math.ceil(width)))
  picture.setAttribute('height', String(Math.ceil(height)))
  picture.removeAttribute('style')
  const frame = picture.getBoundingClientRect()
  const isCut = ({ left, right, top, bottom }: DOMRect) =>
    left < frame.left || right > frame.right || top < frame.top || bottom > frame.bottom
  const texts = [...picture.querySelectorAll('text')]
  return {
    svg: new XMLSerializer().serializeToString(picture),
    cutTexts: texts
      .filter((text) => isCut(text.getBoundingClientRect()))
      .map(({ textContent }) => textContent),
  }
}

/**
 * Draws a diagram.
 *
 * @throws if Mermaid does not understand the text, or if the picture would not be readable in an `<img>`.
 */
export const renderDiagram = async (browser: Browser, source: string, theme: ThemeName): Promise<string> => {
  const page = await browser.newPage()
  try {
    await page.setContent('<!doctype html><title>Diagram</title><body></body>')
    await page.addScriptTag({ path: MERMAID })
    const { svg, cutTexts } = await page.evaluate(drawInBrowser, {
      source,
      config: createMermaidConfig(theme),
    })
    if (svg.includes('<foreignObject'))
      throw new Error('The picture contains HTML, which an <img> does not show.')
    if (cutTexts.length > 0) throw new Error(`The picture cuts off these texts: ${cutTexts.join(', ')}`)
    return `${svg.replace('<svg ', `<svg data-hash="${hashDiagram(source, theme)}" `)}\n`
  } finally {
    await page.close()
  }
}
