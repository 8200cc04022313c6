#!/usr/bin/env node
// A CDK app as `cdk init app --language typescript` creates it: package.json has no "type", so the files are CommonJS.
import assert from 'node:assert/strict'
import * as cdk from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { FunctionStack, TableStack } from '../lib/orders-stacks'

assert.equal(typeof require, 'function')
const app = new cdk.App()
const functionStack = new FunctionStack(app, 'Function', {
  env: { account: '111111111111', region: 'us-east-1' },
})
const tableStack = new TableStack(app, 'Table', { env: { account: '222222222222', region: 'us-east-1' } })

const variables = {
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::222222222222:role/Orders',
  CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id',
}
Template.fromStack(functionStack).hasResourceProperties('AWS::Lambda::Function', {
  Environment: { Variables: variables },
})
const [role] = Object.values(Template.fromStack(tableStack).findResources('AWS::IAM::Role'))
const [policy] = role.Properties.Policies
assert.deepEqual(
  policy.PolicyDocument.Statement.map(({ Sid }: { Sid: string }) => Sid),
  ['Tables', 'KeyThroughDynamoDB'],
)
app.synth()
