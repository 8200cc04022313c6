/** Defines the tests whose names and results become the rows of docs/ecosystem.md. */
import { type TestContext, test } from 'node:test'

/**
 * Defines a test of this package with other packages. The name of the test is `<packages>: <behavior>`.
 *
 * @param packages the names in package.json of this folder, or what is tested in place of a package, such as `moto`. The row lists all
 * @param behavior a sentence that can be read alone
 */
export const testCombination = (
  packages: readonly [string, ...string[]],
  behavior: string,
  run: (context: TestContext) => void | Promise<void>,
): void => {
  test(`${packages.join(', ')}: ${behavior}`, run)
}
