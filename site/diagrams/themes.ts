/** The two color schemes of the diagrams, and the hash that tells whether a drawing is up to date. */
import { createHash } from 'node:crypto'

export type ThemeName = 'light' | 'dark'

interface Palette {
  readonly text: string
  readonly line: string
  readonly box: string
  readonly boxBorder: string
  readonly group: string
  readonly groupBorder: string
  readonly note: string
  readonly noteBorder: string
  readonly page: string
}

/** Windows and macOS have Arial, and the font that Linux uses in its place has characters of the same width. */
const FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"

const PALETTES: Readonly<Record<ThemeName, Palette>> = {
  light: {
    text: '#1f2328',
    line: '#59636e',
    box: '#ddf4ff',
    boxBorder: '#0969da',
    group: '#f6f8fa',
    groupBorder: '#d1d9e0',
    note: '#fff8c5',
    noteBorder: '#d4a72c',
    page: '#ffffff',
  },
  dark: {
    text: '#f0f6fc',
    line: '#9198a1',
    box: '#10294a',
    boxBorder: '#4493f8',
    group: '#161b22',
    groupBorder: '#3d444d',
    note: '#3b2e0a',
    noteBorder: '#9e6a03',
    page: '#0d1117',
  },
}

/** Returns the configuration of Mermaid. The drawings contain no HTML, because browsers do not show it in an `<img>`. */
export const createMermaidConfig = (theme: ThemeName) => {
  const palette = PALETTES[theme]
  return {
    theme: 'base',
    look: 'classic',
    darkMode: theme === 'dark',
    fontFamily: FONT,
    htmlLabels: false,
    securityLevel: 'strict',
    deterministicIds: true,
    sequence: {
      useMaxWidth: false,
      mirrorActors: false,
      diagramMarginX: 8,
      diagramMarginY: 8,
      bottomMarginAdj: 4,
    },
    flowchart: { useMaxWidth: false, htmlLabels: false },
    state: { useMaxWidth: false },
    // Lines stay visible behind texts, but do not cross them.
    themeCSS: `
      .messageText, .loopText { paint-order: stroke; stroke: ${palette.page} !important; stroke-width: 6px; stroke-linejoin: round; }
      .actor-line { stroke-width: 1px !important; }
    `,
    themeVariables: {
      darkMode: theme === 'dark',
      fontFamily: FONT,
      fontSize: '16px',
      background: palette.page,
      mainBkg: palette.box,
      primaryColor: palette.box,
      primaryTextColor: palette.text,
      primaryBorderColor: palette.boxBorder,
      secondaryColor: palette.group,
      tertiaryColor: palette.group,
      lineColor: palette.line,
      textColor: palette.text,
      titleColor: palette.text,
      edgeLabelBackground: palette.page,
      clusterBkg: palette.group,
      clusterBorder: palette.groupBorder,
      nodeBorder: palette.boxBorder,
      nodeTextColor: palette.text,
      actorBkg: palette.box,
      actorBorder: palette.boxBorder,
      actorTextColor: palette.text,
      actorLineColor: palette.line,
      signalColor: palette.line,
      signalTextColor: palette.text,
      labelBoxBkgColor: palette.group,
      labelBoxBorderColor: palette.groupBorder,
      labelTextColor: palette.text,
      loopTextColor: palette.text,
      noteBkgColor: palette.note,
      noteBorderColor: palette.noteBorder,
      noteTextColor: palette.text,
      activationBkgColor: palette.group,
      activationBorderColor: palette.line,
      sequenceNumberColor: palette.page,
    },
  } as const
}

export const THEME_NAMES = ['light', 'dark'] as const satisfies readonly ThemeName[]

/** Returns the hash of a diagram's text and of the configuration that it is drawn with. The drawing contains this hash. */
export const hashDiagram = (source: string, theme: ThemeName): string =>
  createHash('sha256')
    .update(JSON.stringify([source, createMermaidConfig(theme)]))
    .digest('hex')

/** Returns the hash in a drawing, or `undefined` if it contains none. */
export const readHash = (svg: string): string | undefined => /^<svg [^>]*data-hash="(\w+)"/.exec(svg)?.[1]
