import * as v from 'valibot';
import { operation, type Service } from '../service.ts';

/** STS, of which callers ask only who they are: that needs no permission, and no policy can take it away. */
export function createSts(): { service: Service } {
  const getCallerIdentity = operation(v.strictObject({}), {
    run(_input, { accountId, arn, principalArn, principalId }) {
      const isSession = arn !== principalArn;
      const sessionName = arn.slice(arn.lastIndexOf('/') + 1);
      return { Account: accountId, Arn: arn, UserId: isSession ? `${principalId}:${sessionName}` : principalId };
    },
  });
  return { service: { name: 'sts', protocol: 'query', operations: { GetCallerIdentity: getCallerIdentity } } };
}
