/** What `cdk deploy` runs; ../README.md has the commands. */
import { App } from 'aws-cdk-lib'
import { infrastructure } from './infrastructure.ts'

infrastructure(new App())
