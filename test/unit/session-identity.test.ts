import { describe, expect, test } from '@jest/globals'
import { assumeRoleInput, type SessionIdentity } from '../../src/session-identity.ts'

const least: SessionIdentity = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  sessionTags: [],
  transitiveTagKeys: [],
  policyArns: [],
  sessionName: 'orders-function',
  durationSeconds: 3600,
}

const most: SessionIdentity = {
  ...least,
  externalId: 'example-external-id',
  sessionTags: Object.freeze([
    Object.freeze({ Key: 'team', Value: 'orders' }),
    Object.freeze({ Key: 'stage', Value: '' }),
  ]),
  transitiveTagKeys: Object.freeze(['team']),
  sourceIdentity: 'alice',
  durationSeconds: 900,
}

describe('assumeRoleInput', () => {
  test('sends what is set', () => {
    expect(assumeRoleInput(most)).toStrictEqual({
      RoleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      RoleSessionName: 'orders-function',
      DurationSeconds: 900,
      ExternalId: 'example-external-id',
      Tags: [
        { Key: 'team', Value: 'orders' },
        { Key: 'stage', Value: '' },
      ],
      TransitiveTagKeys: ['team'],
      SourceIdentity: 'alice',
    })
  })

  test('sends nothing, not even an empty list, for what is not set', () => {
    expect(assumeRoleInput(least)).toStrictEqual({
      RoleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      RoleSessionName: 'orders-function',
      DurationSeconds: 3600,
    })
  })

  test.each(['externalId', 'sessionTags', 'transitiveTagKeys', 'sourceIdentity'] as const)(
    '%s is sent only if it is set itself',
    (name) => {
      const sent = {
        externalId: 'ExternalId',
        sessionTags: 'Tags',
        transitiveTagKeys: 'TransitiveTagKeys',
        sourceIdentity: 'SourceIdentity',
      }
      const always = ['RoleArn', 'RoleSessionName', 'DurationSeconds']
      const only = assumeRoleInput({ ...least, [name]: most[name] })
      expect(Object.keys(only).sort()).toEqual([...always, sent[name]].sort())
    },
  )

  test('the SDK is handed lists of its own, which it may change without changing who the session is', () => {
    const { Tags, TransitiveTagKeys } = assumeRoleInput(most)
    Tags?.push({ Key: 'extra', Value: 'tag' })
    TransitiveTagKeys?.push('extra')
    expect(most.sessionTags).toHaveLength(2)
    expect(most.transitiveTagKeys).toEqual(['team'])
  })
})
