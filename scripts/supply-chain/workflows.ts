/** Checks that GitHub workflows pin actions by commit, because the owner of an action can move its tags. */
import { globSync } from 'node:fs'

const USES = /^\s*(?:-\s+)?uses:\s*(.+?)\s*$/gm
const PINNED = /^[\w.-]+(?:\/[\w.-]+)+@[0-9a-f]{40}\s+#\s+v\d\S*$/
const LOCAL = /^\.{1,2}\//

export const findWorkflows = (root: string): readonly string[] =>
  globSync('.github/workflows/*.{yml,yaml}', { cwd: root }).sort()

/** Returns the actions in the text of a workflow that have no commit, or no comment with the version of the commit. */
export const findUnpinnedActions = (workflow: string): readonly string[] =>
  [...workflow.matchAll(USES)]
    .map(([, action = '']) => action)
    .filter((action) => !LOCAL.test(action) && !PINNED.test(action))
