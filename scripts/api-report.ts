/**
 * Compares the public API with the reports in `docs/api/`, so that no public type changes unnoticed. With `--write`, writes the
 * reports again.
 */
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const root = join(import.meta.dirname, '..')
/** The entry points of the package, by the name of their report. */
const ENTRY_POINTS = {
  cdk: 'dist/cdk/index.d.ts',
  index: 'dist/index.d.ts',
  policies: 'dist/iam/index.d.ts',
}

const isWriting = process.argv.includes('--write')

/** Returns whether the report is up to date. */
const checkReport = (name: string, entryPoint: string): boolean => {
  const config = ExtractorConfig.prepare({
    configObject: {
      mainEntryPointFilePath: join(root, entryPoint),
      projectFolder: root,
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: join(root, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        // A type that is not exported can be part of an exported one.
        includeForgottenExports: true,
        reportFileName: name,
        reportFolder: join(root, 'docs/api'),
        reportTempFolder: join(root, 'node_modules/.cache/api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  })
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: isWriting,
    messageCallback: (message) => {
      // Errors are shown. Everything else is part of the report.
      message.handled = message.logLevel !== 'error'
    },
  })
  if (isWriting || errorCount > 0) return errorCount === 0
  if (apiReportChanged) console.error(`docs/api/${name}.api.md is outdated: run npm run api -- --write`)
  return !apiReportChanged
}

const results = Object.entries(ENTRY_POINTS).map(([name, entryPoint]) => checkReport(name, entryPoint))
if (results.includes(false)) process.exitCode = 1
else console.log(isWriting ? 'docs/api is written.' : 'The public API is that of docs/api.')
