/** The function of sdk.ts with this package. */
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

export { packages } from './sdk.ts'

export const construct = (): unknown => crossAccountDynamo()
