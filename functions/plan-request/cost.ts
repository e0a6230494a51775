import type { Cost } from '../../lib/preflight/preview.ts';
import type { Draft } from './draft.ts';

// Prices of us-east-1 in US dollars, without free tiers (pricing pages of Step Functions, Lambda and Secrets Manager).
const perTransition = 0.025 / 1000;
const perInvocation = 0.2 / 1e6;
const perGbSecond = 0.0000133334;
const perSecretAndMonth = 0.4;

const memoryGb = 0.5;
const secondsEach = 1;
/** Events of stacks that wake a function, and the events of the execution's end. */
const furtherInvocations = 10;
/** What the calls of DynamoDB, KMS, S3, Secrets Manager, EventBridge and CloudWatch Logs come to, generously. */
const calls = 0.001;

/** What an execution is likely to cost, and what it assumes. */
export function costOf({ transitions, secrets }: Pick<Draft, 'transitions' | 'secrets'>): Cost {
  const invocations = transitions + furtherInvocations;
  const once =
    transitions * perTransition + invocations * (perInvocation + memoryGb * secondsEach * perGbSecond) + calls;
  return {
    currency: 'USD',
    once: rounded(once),
    monthly: rounded(secrets * perSecretAndMonth),
    assumptions: [
      'Prices of us-east-1, without free tiers, discounts and taxes',
      `${transitions} state transitions: each state has its first try, and one wait for the stack is enough`,
      `${invocations} invocations of functions of ${memoryGb * 1024} MB (arm64), of ${secondsEach} s each`,
      `Calls of DynamoDB, KMS, S3, Secrets Manager, EventBridge and CloudWatch Logs for ${calls} USD`,
      `${secrets} secrets at ${perSecretAndMonth} USD a month; a secret that is scheduled for deletion costs nothing`,
      "Not included: what the subscriber's own bucket, table and KMS calls cost, and InfinStor",
    ],
  };
}

const rounded = (amount: number) => Number(amount.toFixed(6));
