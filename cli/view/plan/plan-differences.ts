import type { Preview } from '../../../lib/preflight/preview.ts';
import { summarizeKeyPolicies } from '../key-policy-summary.ts';

/**
 * What is different in the later of two plans of a request, each in a line; empty when all that a plan shows is the same. Then the
 * difference is in what only its hash has: the request itself, and how the subscriber and its stack stand.
 */
export function planDifferences(before: Preview, after: Preview): string[] {
  if (before.operation !== after.operation || before.userName !== after.userName) {
    return [
      `that plan is for ${before.operation} of ${before.userName}, and this is ${after.operation} of ${after.userName}`,
    ];
  }
  return [...changeDifferences(before, after), ...stackDifferences(before, after), ...policyDifferences(before, after)];
}

function changeDifferences(before: Preview, after: Preview): string[] {
  const textsOf = ({ changes }: Preview) =>
    changes.map(({ step, action, kind, what, detail }) =>
      [`${action} ${kind} ${what} in ${step}`, ...(detail === undefined ? [] : [detail])].join(': '),
    );
  const [old, current] = [textsOf(before), textsOf(after)];
  return [
    ...current.filter((text) => !old.includes(text)).map((text) => `now it would: ${text}`),
    ...old.filter((text) => !current.includes(text)).map((text) => `no longer it would: ${text}`),
  ];
}

function stackDifferences({ stack: old }: Preview, { stack: current }: Preview): string[] {
  const [was, is] = [factsOf(old), factsOf(current)];
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((name) => was.get(name) !== is.get(name))
    .map((name) => `the stack's ${name} is ${is.get(name) ?? 'not there'}, and was ${was.get(name) ?? 'not there'}`);
}

/** All that a plan shows of a stack, by names. */
function factsOf(stack: Preview['stack']): ReadonlyMap<string, string | undefined> {
  if (stack === undefined) return new Map();
  const { parameters = {}, tags = {}, ...facts } = stack;
  return new Map([
    ...Object.entries(facts),
    ...Object.entries(parameters).map(([name, value]): [string, string] => [`parameter ${name}`, value]),
    ...Object.entries(tags).map(([name, value]): [string, string] => [`tag ${name}`, value]),
  ]);
}

function policyDifferences({ keyPolicies: old }: Preview, { keyPolicies: current }: Preview): string[] {
  const then = new Map(old.map((key) => [key.keyArn, key]));
  return current.flatMap(({ keyArn, before, after }) => {
    const was = then.get(keyArn);
    if (was === undefined) return [];
    const changes = summarizeKeyPolicies(was.before, before);
    const summary = changes.map(({ kind, text }) => `${kind} ${text}`).join(', ');
    if (changes.length > 0) return [`the policy of ${keyArn} has changed: ${summary}`];
    return JSON.stringify(was.after) === JSON.stringify(after) ? [] : [`another policy would be written to ${keyArn}`];
  });
}
