/** The app that `cdk deploy` runs. See ../README.md for the commands. */
import { App } from 'aws-cdk-lib'
import { addStacks } from './add-stacks.ts'

addStacks(new App())
