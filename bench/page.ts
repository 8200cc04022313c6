/** Writes docs/performance.md from the stored results. */
import type { Bench, Measurement } from './bench.ts'
import type { StoredResults } from './results.ts'
import { createTables, formatMarkdown, formatMeasurement } from './tables.ts'

export interface Section {
  readonly bench: Bench
  readonly results: StoredResults
}

const HEAD = `# Performance

<!-- Written by npm run bench -- --write. Do not edit. -->

This page shows what the middleware costs, compared with other ways to use a table in another account. Each section is one bench, which
you can run on your machine:

\`\`\`sh
npm run bench                     # runs all benches, in about 10 minutes
npm run bench -- cold             # runs one bench
npm run bench -- --short          # checks only the counts: calls, connections, waits, and the bytes of the package
\`\`\`

The first run installs the peers from the npm registry, in \`bench/\`. \`warm\`, \`day\`, \`cold\` and \`burst\` run on the sandbox of this project,
which checks signatures and policies as AWS does. \`tenants\` and \`refresh\` run on a minimal server, which accepts each request. \`import\` and
\`fleet\` use no server. The peers are in [\`bench/peers/\`](../bench/peers/), with the code that a user would write.

**Read the figures as follows.** For times, sizes, memory and calls, lower is better. A time is the median of interleaved rounds,
followed by its 95% confidence interval. With fewer than six rounds, as in \`tenants\` and \`refresh\`, the smallest and the
largest value follow instead. Figures without an interval are counts, simulations, or measurements whose values are the same when rounded. Times depend on the
machine, so compare only times of one section. Added times are differences between two processes or two functions, so noise, and the order in
which Node.js compiles them, can make them negative. A KB of memory is
1,024 bytes, and a KB of code is 1,000 bytes.
`

const formatSection = ({ bench, results }: Section): string[] => [
  `## ${bench.title}`,
  '',
  `${bench.description} Run it with \`npm run bench -- ${bench.name}\`.`,
  '',
  ...(bench.createCharts?.(results) ?? []).flatMap(({ name, title }) => [
    `![${title}](bench/${name}.svg)`,
    '',
  ]),
  ...createTables(results.rows, bench.columns).flatMap((table) => [formatMarkdown(table), '']),
]

const formatMachine = ({ date, machine, nodeVersion, durationSeconds }: StoredResults): string[] => [
  date,
  `${machine.cores} × ${machine.processor}, ${machine.memoryGb} GB, ${machine.system}`,
  nodeVersion,
  `${durationSeconds} s`,
]

const formatMachines = (sections: readonly Section[]): string[] => {
  const packages: StoredResults['packages'] = Object.assign(
    {},
    ...sections.map(({ results }) => results.packages),
  )
  return [
    '## Machine and versions',
    '',
    formatMarkdown({
      header: ['Bench', 'Date', 'Machine', 'Node.js', 'Duration'],
      rows: sections.map(({ bench, results }) => [`\`${bench.name}\``, ...formatMachine(results)]),
    }),
    '',
    formatMarkdown({
      header: ['Package', 'Version'],
      rows: Object.entries(packages).map(([name, version]) => [`\`${name}\``, version]),
    }),
    '',
    `\`@middy/sts\` ${packages['@middy/sts']} is the newest version in the registry that this project is developed with.`,
    '',
  ]
}

/** Returns a figure that the page quotes. @throws if there is no such figure. */
const findMeasurement = (
  sections: readonly Section[],
  name: string,
  row: Partial<Measurement>,
): Measurement => {
  const rows = sections.find(({ bench }) => bench.name === name)?.results.rows ?? []
  const found = rows.find((candidate) =>
    Object.entries(row).every(([key, value]) => candidate[key as keyof Measurement] === value),
  )
  if (found === undefined) throw new Error(`${name} has no figure ${JSON.stringify(row)}.`)
  return found
}

/** What users can do for a faster cold start, with figures of the bench `cold`. */
const formatAdvice = (sections: readonly Section[]): string => {
  const findRatio = (roundTrip: string): string =>
    formatMeasurement(
      findMeasurement(sections, 'cold', {
        peer: 'this package, `--main-fields=module,main` in percent of the default',
        metric: 'whole process',
        case: roundTrip,
      }),
    )
  return `## Make cold starts faster

- **Bundle with \`--main-fields=module,main\`**, also for CommonJS output. esbuild then selects the ES modules of the AWS SDK, from which it
  can remove unused code. In the bench [\`cold\`](#cold-start), the process then takes ${findRatio('2 ms')}
  of the time with a round trip of 2 ms, and ${findRatio('20 ms')} with 20 ms. [CommonJS and bundlers](bundlers.md#bundle-with-esbuild) has the commands.
- **With provisioned concurrency, await \`ready()\`**, so that the first invocation finds credentials and a connection.
- **Node.js can cache compiled code** ([\`module.enableCompileCache()\`](https://nodejs.org/api/module.html#module-compile-cache)). The cache must be
  in the deployment package. Node.js uses it only if the Node.js version and the V8 flags are those that created it, and, without its
  \`portable\` option, the path of the files and the user, too. The benches do not use it.
`
}

export const formatPage = (sections: readonly Section[]): string =>
  [HEAD, formatAdvice(sections), ...sections.flatMap(formatSection), ...formatMachines(sections)].join('\n')
