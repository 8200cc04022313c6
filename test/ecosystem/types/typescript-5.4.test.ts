import { testTypes } from './compile.ts'

testTypes('typescript-5.4', ['nodenext', 'bundler', 'node'])
