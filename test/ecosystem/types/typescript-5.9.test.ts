import { testTypes } from './compile.ts'

testTypes('typescript-5.9', ['nodenext', 'bundler', 'node'])
