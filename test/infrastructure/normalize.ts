/** Compares IAM documents. */

/**
 * Normalizes IAM documents, so that equivalent documents are equal: a list of one value becomes the value, and other lists and keys
 * are sorted.
 */
export const normalize = (node: unknown): unknown => {
  if (Array.isArray(node)) {
    const items = node.map(normalize)
    const sorted = items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    return sorted.length === 1 ? sorted[0] : sorted
  }
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, value]) => [key, normalize(value)]))
}
