/** Checks that GitHub workflows pin actions by commit, because the owner of an action can move its tags. */
import { globSync } from 'node:fs'
import { isScalar, parseDocument, visit } from 'yaml'

const PINNED = /^[\w.-]+(?:\/[\w.-]+)+@[0-9a-f]{40}$/
const VERSION_COMMENT = /^\s*v\d\S*$/
const LOCAL = /^\.{1,2}\//

/** Returns the files of the workflows, and of the actions in `.github/actions`, which can use other actions. */
export const findWorkflows = (root: string): readonly string[] =>
  globSync(['.github/workflows/*.{yml,yaml}', '.github/actions/**/action.{yml,yaml}'], { cwd: root }).sort()

/** Returns the actions in the text of a workflow that have no commit, or no comment with the version of the commit. */
export const findUnpinnedActions = (workflow: string): readonly string[] => {
  const unpinned: string[] = []
  visit(parseDocument(workflow), {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || key.value !== 'uses') return
      const action = isScalar(value) ? String(value.value) : ''
      const comment = isScalar(value) ? (value.comment ?? '') : ''
      if (!LOCAL.test(action) && !(PINNED.test(action) && VERSION_COMMENT.test(comment)))
        unpinned.push(comment === '' ? action : `${action} #${comment}`)
    },
  })
  return unpinned
}
