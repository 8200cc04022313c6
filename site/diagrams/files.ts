/** Lists the diagrams of a folder and their drawings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashDiagram, readHash, THEME_NAMES, type ThemeName } from './themes.ts'

export interface DiagramFile {
  /** The name of the file with the text, such as `cold-start.mmd`. */
  readonly name: string
  readonly drawings: readonly {
    readonly name: string
    readonly theme: ThemeName
    readonly isUpToDate: boolean
  }[]
}

export const findDiagramFiles = (folder: string): readonly DiagramFile[] => {
  const isDrawingOf = (drawing: string, source: string, theme: ThemeName) => {
    const path = join(folder, drawing)
    return existsSync(path) && readHash(readFileSync(path, 'utf8')) === hashDiagram(source, theme)
  }
  const names = readdirSync(folder).filter((name) => name.endsWith('.mmd'))
  return names.map((name) => {
    const source = readFileSync(join(folder, name), 'utf8')
    const drawings = THEME_NAMES.map((theme) => {
      const drawing = name.replace(/mmd$/, `${theme}.svg`)
      return { name: drawing, theme, isUpToDate: isDrawingOf(drawing, source, theme) }
    })
    return { name, drawings }
  })
}
