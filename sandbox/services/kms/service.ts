import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Access, Caller, PolicyDocument, Service } from '../../core/operation.ts';
import type { Events } from '../events/service.ts';
import { keyOperations } from './key-operations.ts';
import type { Principals } from './key-policy.ts';
import { createKeyStore, type KeyDefinition } from './key-store.ts';
import { createPutLimit, policyOperations } from './policy-operations.ts';

export interface Kms {
  service: Service;
  /** @throws AwsError as PutKeyPolicy for a policy that KMS refuses; AlreadyExistsException for a second key of this ARN */
  createKey(key: KeyDefinition): void;
  /** The key policy in force, in the order in which it was written. @throws AwsError NotFoundException */
  keyPolicy(keyArn: string): PolicyDocument;
  /** The key policy of an enabled key, by its ARN or id; undefined when there is none. */
  findPolicy(keyId: string): PolicyDocument | undefined;
  /** @throws AwsError NotFoundException */
  tags(keyArn: string): Readonly<Record<string, string>>;
  /**
   * What IAM is asked when the caller does all of this with the key through a service that integrates with KMS, such as DynamoDB
   * when a table is created: grants are then for an AWS resource. `context` may name that service in `kms:ViaService`, and what a
   * grant is to allow in `kms:GrantOperations`.
   * @throws Error when the key cannot be used by anybody
   */
  useAccess(caller: Caller, keyArn: string, actions: readonly string[], context?: Access['context']): readonly Access[];
  /**
   * From now on, GetKeyPolicy answers any policy that was in force during the last so many milliseconds, as AWS may for a while
   * after a change; 0 switches that off. `random` chooses, as a number from 0 (the oldest) to 1 (the one in force).
   */
  delayReads(milliseconds: number, random?: () => number): void;
  /**
   * From now on, PutKeyPolicy is refused when it was called as often as this within the last second, for whatever keys; AWS's
   * quota is 15, https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html. By default there is no limit
   * (`Number.POSITIVE_INFINITY`), since a clock that skips idle time may stand still while many calls are made.
   */
  limitPuts(perSecond: number): void;
  /** How many PutKeyPolicy calls took effect on the key so far. @throws AwsError NotFoundException */
  policyWrites(keyArn: string): number;
}

interface Options {
  clock: Clock;
  iam: Principals;
  /** Takes what CloudTrail reports of the calls; default: nobody hears of them. */
  publish?: Events['publish'];
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
}

const grantActions: readonly string[] = ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'];

/** KMS without cryptography: keys, their states, tags and policies. */
export function createKms({ clock, iam, publish, home = account }: Options): Kms {
  const store = createKeyStore({ clock, iam, home });
  const limit = createPutLimit(clock);
  const operations = {
    ...keyOperations({ clock, store, accountId: home.accountId }),
    ...policyOperations({ clock, store, limit, publish, home }),
  };

  return {
    service: { name: 'kms', protocol: 'json', operations },

    createKey({ policy, ...definition }) {
      store.add({ ...definition, policy: policy && JSON.stringify(policy) });
    },

    keyPolicy: (keyArn) => store.policyOf(store.find(keyArn)),
    findPolicy(keyId) {
      const key = store.present(keyId.startsWith('arn:') ? keyId : store.arnOf(keyId));
      return key?.state === 'Enabled' ? store.policyOf(key) : undefined;
    },
    policyWrites: (keyArn) => store.find(keyArn).replaced.length,
    tags: (keyArn) => store.find(keyArn).tags,

    useAccess(caller, keyArn, actions, context) {
      const key = store.present(keyArn);
      if (key === undefined) throw new Error(`Key '${keyArn}' does not exist`);
      if (key.state !== 'Enabled') {
        throw new Error(`${keyArn} is ${key.state === 'Disabled' ? 'disabled' : 'pending deletion'}.`);
      }
      return actions.map((action) =>
        store.accessTo(key, action, caller, {
          // Calls that are not about grants do not have this condition key.
          ...(grantActions.includes(action) && { 'kms:GrantIsForAWSResource': 'true' }),
          ...context,
        }),
      );
    },

    delayReads: (milliseconds, random = Math.random) => store.delayReads(milliseconds, random),
    limitPuts: limit.set,
  };
}
