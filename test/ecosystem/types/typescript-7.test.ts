import { testTypes, testTypesInCommonJs } from './compile.ts'

testTypes('typescript-7', ['nodenext', 'bundler'])
testTypesInCommonJs('typescript-7')
