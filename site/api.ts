/** Generates the API reference from the doc comments, as Markdown pages. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Application, LogLevel } from 'typedoc'
import { GENERATED, getRepositoryUrl, ROOT } from './navigation.ts'

/** The entry points of the package, by TypeDoc's name of their module. */
const MODULES: Readonly<
  Record<string, { readonly entryPoint: string; readonly page: string; readonly title: string }>
> = {
  index: { entryPoint: 'src/index.ts', page: 'middleware', title: 'API: middy-cross-account-dynamo' },
  iam: {
    entryPoint: 'src/iam/index.ts',
    page: 'policies',
    title: 'API: middy-cross-account-dynamo/policies',
  },
  cdk: { entryPoint: 'src/cdk/index.ts', page: 'cdk', title: 'API: middy-cross-account-dynamo/cdk' },
}
/** The options of the plugins, which the types of TypeDoc do not contain. */
const PLUGIN_OPTIONS = {
  // A public type can refer to a type of this package that is not exported. The page explains both.
  placeInternalsInOwningModule: true,
  outputFileStrategy: 'modules',
  flattenOutputFiles: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  useHTMLAnchors: true,
}
const FOLDER = join(ROOT, GENERATED, 'api')

/** @throws if TypeDoc has a warning, such as a broken `@link` or a public name without a doc comment. */
export const generateApiReference = async (): Promise<void> => {
  const repositoryUrl = getRepositoryUrl()
  const application = await Application.bootstrapWithPlugins({
    ...PLUGIN_OPTIONS,
    plugin: ['typedoc-plugin-markdown', 'typedoc-plugin-missing-exports'],
    entryPoints: Object.values(MODULES).map(({ entryPoint }) => join(ROOT, entryPoint)),
    tsconfig: join(ROOT, 'site/tsconfig.api.json'),
    out: FOLDER,
    cleanOutputDir: true,
    readme: 'none',
    excludeExternals: true,
    externalPattern: ['**/node_modules/**'],
    excludeInternal: true,
    // The problems of a CONFIG_INVALID error are data for its message.
    exclude: ['**/src/options/**'],
    intentionallyNotExported: ['Issue'],
    validation: { notExported: true, invalidLink: true, notDocumented: true },
    logLevel: LogLevel.Warn,
    disableSources: repositoryUrl === undefined,
    disableGit: true,
    gitRevision: 'main',
    sourceLinkTemplate: `${repositoryUrl}/blob/{gitRevision}/src/{path}#L{line}`,
  })
  const project = await application.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the entry points.')
  for (const module of project.children ?? []) module.name = MODULES[module.name]?.page ?? module.name
  application.validate(project)
  await application.generateOutputs(project)
  if (application.logger.hasErrors() || application.logger.hasWarnings())
    throw new Error('TypeDoc has the warnings above. Correct the doc comments.')
  for (const { page, title } of Object.values(MODULES)) {
    const path = join(FOLDER, `${page}.md`)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^# .*/, `# ${title}`))
  }
}
