/** Splits the shell commands of the documentation into words. */

/** A command, and the variables that are set before it in the same block. */
export interface ShellCommand {
  readonly words: readonly string[]
  readonly variables: Readonly<Record<string, string>>
}

const ASSIGNMENT = /^(?:export )?([A-Za-z_]\w*)=(.*)$/s

const removeQuotes = (word: string): string => word.replace(/'([^']*)'|"([^"]*)"|\\(.)/gs, '$1$2$3')

/** Returns the commands of the text: words with their quotes removed, without comments. `do` and parentheses also separate commands. */
const splitCommands = (text: string): string[][] => {
  const commands: string[][] = [[]]
  const tokens = text
    .replace(/\\\n/g, ' ')
    .matchAll(
      /(?<comment>(?<=^|\s)#[^\n]*)|(?<end>&&|\|\|?|[;()\n]|\bdo\b(?=\s))|(?<word>(?:'[^']*'|"[^"]*"|\\.|[^\s;|&()'"\\])+|&)/g,
    )
  for (const { groups = {} } of tokens) {
    if (groups.end !== undefined) commands.push([])
    if (groups.word !== undefined) commands.at(-1)?.push(removeQuotes(groups.word))
  }
  return commands.filter((words) => words.length > 0)
}

/** Returns the commands of a block. A line such as `NAME=value` sets a variable for the commands after it. */
export const readShellCommands = (text: string): readonly ShellCommand[] => {
  const variables: Record<string, string> = {}
  return splitCommands(text).flatMap((allWords) => {
    const words = allWords[0] === 'export' ? allWords.slice(1) : allWords
    const commandStart = words.findIndex((word) => !ASSIGNMENT.test(word))
    const assignments = commandStart === -1 ? words : words.slice(0, commandStart)
    for (const word of assignments) {
      const [, name = '', value = ''] = ASSIGNMENT.exec(word) ?? []
      variables[name] = value
    }
    return commandStart === -1 ? [] : [{ words: words.slice(commandStart), variables: { ...variables } }]
  })
}
