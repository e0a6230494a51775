import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type ApiCallEvent, apiCallEvent } from '../../core/cloudtrail.ts';
import { AwsError, type Caller, operation } from '../../core/operation.ts';
import { KeyId, onKey, Policy } from './key-inputs.ts';
import { renderKeyPolicy } from './key-policy.ts';
import type { Key, KeyStore } from './key-store.ts';

// KMS knows no other name.
const PolicyName = v.optional(v.literal('default'));

interface Parts {
  clock: Pick<Clock, 'now'>;
  store: KeyStore;
  limit: PutLimit;
  publish: ((event: ApiCallEvent) => unknown) | undefined;
  home: AccountRegion;
}

/** GetKeyPolicy and PutKeyPolicy. */
export function policyOperations({ clock, store, limit, publish, home }: Parts) {
  /** https://docs.aws.amazon.com/kms/latest/developerguide/ct-put-key-policy.html */
  function eventOf(input: { KeyId: string; Policy: string }, { arn }: Key, caller: Caller): ApiCallEvent {
    return apiCallEvent({
      service: 'kms',
      operation: 'PutKeyPolicy',
      caller,
      requestParameters: {
        keyId: input.KeyId,
        policyName: 'default',
        policy: input.Policy,
        bypassPolicyLockoutSafetyCheck: false,
      },
      resources: [{ type: 'AWS::KMS::Key', arn }],
      home,
      time: clock.now(),
    });
  }

  return {
    GetKeyPolicy: operation(v.strictObject({ KeyId, PolicyName }), {
      access: onKey(store, 'GetKeyPolicy'),
      run(input) {
        const key = store.find(input.KeyId);
        key.reads += 1;
        return { Policy: renderKeyPolicy(store.readPolicy(key), key.reads), PolicyName: 'default' };
      },
    }),

    // The lockout check cannot be bypassed: nothing here may ask for that.
    PutKeyPolicy: operation(v.strictObject({ KeyId, PolicyName, Policy }), {
      access: onKey(store, 'PutKeyPolicy'),
      run(input, caller) {
        limit.count();
        const key = store.find(input.KeyId);
        store.replacePolicy(key, input.Policy, caller);
        publish?.(eventOf(input, key, caller));
        return {};
      },
    }),
  };
}

interface PutLimit {
  /** Counts a call of PutKeyPolicy. @throws AwsError ThrottlingException beyond the limit */
  count(): void;
  /** From now on, so many calls within a second are allowed. */
  set(perSecond: number): void;
}

/** How many calls of PutKeyPolicy a second has room for; by default any number. */
export function createPutLimit(clock: Pick<Clock, 'now'>): PutLimit {
  let putsPerSecond = Number.POSITIVE_INFINITY;
  /** The times of the calls of the last second. */
  let puts: readonly number[] = [];
  return {
    count() {
      const now = clock.now();
      puts = puts.filter((time) => time > now - 1000);
      if (puts.length >= putsPerSecond) throw new AwsError('ThrottlingException', 'Rate exceeded');
      puts = [...puts, now];
    },
    set(perSecond) {
      putsPerSecond = perSecond;
      puts = [];
    },
  };
}
