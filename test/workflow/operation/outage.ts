// An outage of InfinStor, while requests are resent all the time.

import * as v from 'valibot';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { putSecret, requestFor, startOnboarding } from '../sandbox.ts';
import { fault } from '../subscriber.ts';

const minute = 60_000;
const resendMs = 10 * minute;
const hourMs = 60 * minute;

const { secretId, userName } = fixtures.superadmin;

/** What InfinStor, or who may log in, is like for two hours. */
const phases: readonly { readonly faults: readonly string[]; readonly isPasswordWrong?: boolean }[] = [
  { faults: ['add_subscriber:error=503'] },
  { faults: ['add_subscriber:error=429'] },
  { faults: ['add_subscriber:error=LoginExpired'] },
  // No answer in time, and a gateway that gives up before the service sees the call.
  { faults: ['add_subscriber:error=504', 'get_version:delay=11000'] },
  { faults: ['add_subscriber:error=401'] },
  { faults: ['add_subscriber:error=401'], isPasswordWrong: true },
];
const phaseHours = 2;

/** What an outage was like. */
export interface Outage {
  executions: number;
  /** How many versions of one secret were younger than a day at most. */
  maxYoungVersions: number;
  /** How long after the outage everybody was onboarded, in minutes. */
  minutesToRecover: number | undefined;
  /** The errors with which executions ended, and how many. */
  errors: Readonly<Record<string, number>>;
}

const passwordSchema = v.pipe(v.string(), v.parseJson(), v.object({ userName: v.string(), password: v.string() }));

/** Lets an outage of so many hours pass, and then up to an hour more. */
export async function liveThrough(
  sandbox: Sandbox,
  { names, hours }: { names: readonly string[]; hours: number },
): Promise<Outage> {
  const { clock, faults, secretsManager, states } = sandbox;
  const right = v.parse(passwordSchema, secretsManager.value(secretId));
  const executionArns: string[] = [];
  let maxYoungVersions = 0;
  const waiting = new Set(names);

  /** Sends the requests of all that are not onboarded, and lets ten minutes pass. */
  async function resend() {
    const start = clock.now();
    const sent = [...waiting];
    for (const name of sent) {
      const { executionArn } = await startOnboarding(sandbox, requestFor(name));
      executionArns.push(executionArn);
    }
    const latest = executionArns.slice(-sent.length);
    await clock.quiet();
    maxYoungVersions = Math.max(maxYoungVersions, ...secretsManager.youngVersions().values());
    for (const [index, name] of sent.entries()) {
      if (states.execution(latest[index] ?? '').status === 'SUCCEEDED') waiting.delete(name);
    }
    clock.advance(Math.max(0, start + resendMs - clock.now()));
  }

  const end = clock.now() + hours * hourMs;
  for (let time = 0; clock.now() < end; time += 1) {
    const phase = phases[time % phases.length];
    const phaseEnd = Math.min(end, clock.now() + Math.min(phaseHours, hours / phases.length) * hourMs);
    faults.clear();
    for (const text of phase?.faults ?? []) fault(sandbox, `infinstor:${text}:9999`);
    if (phase?.isPasswordWrong) await putSecret(sandbox, secretId, { userName, password: 'Wrong-Password-Marker-2' });
    while (clock.now() < phaseEnd) await resend();
    if (phase?.isPasswordWrong) await putSecret(sandbox, secretId, right);
  }
  faults.clear();
  const over = clock.now();
  while (waiting.size > 0 && clock.now() < over + hourMs) await resend();
  return {
    executions: executionArns.length,
    maxYoungVersions,
    minutesToRecover: waiting.size === 0 ? (clock.now() - over) / minute : undefined,
    errors: errorsOf(executionArns.map((arn) => states.execution(arn))),
  };
}

function errorsOf(executions: readonly { error?: string | undefined }[]): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const { error = 'none' } of executions) errors[error] = (errors[error] ?? 0) + 1;
  return errors;
}
