// Many onboardings that share few keys, on the sandbox's clock: the reconciler beside a plain read-modify-write that does the
// same, with all that goes wrong in AWS. Writes are the calls that took effect; time is from the first start to the last end.

import { packageForSandbox } from '../build/package.ts';
import { bootSandbox } from '../sandbox/boot.ts';
import { type Burst, type BurstResult, runBurst } from './key-policy-burst.ts';

const bursts: Omit<Burst, 'writer' | 'seed'>[] = [
  { keys: 1, roles: 150, hidden: 5, deleted: 2, killed: 5 },
  { keys: 8, roles: 1000, hidden: 40, deleted: 16, killed: 40 },
];
const packageFolder = await packageForSandbox();
for (const [index, burst] of bursts.entries()) {
  print(
    `${burst.roles} steps over ${burst.keys} keys; ${burst.hidden} roles not seen, ${burst.deleted} deleted, ${burst.killed} steps killed`,
  );
  for (const writer of ['reconciler', 'read-modify-write'] as const) {
    const sandbox = await bootSandbox({ packageFolder, skipIdle: true });
    try {
      print(textOf(writer, await runBurst(sandbox, { ...burst, writer, seed: index + 1 })));
    } finally {
      await sandbox.close();
    }
  }
}

function textOf(writer: string, { keys, seconds, gaveUp, died }: BurstResult): string {
  const writes = keys.map((key) => key.writes);
  const lost = keys.reduce((sum, key) => sum + key.lost.length, 0);
  const foreignLost = keys.filter(({ foreignKept }) => !foreignKept).length;
  return [
    `  ${writer.padEnd(18)}`,
    `writes per key ${Math.min(...writes)} to ${Math.max(...writes)}`,
    `time ${seconds.toFixed(0)} s`,
    `lost grants ${lost}`,
    `keys with lost foreign statements ${foreignLost}`,
    `steps that gave up ${gaveUp.length}`,
    `died ${died}`,
  ].join(', ');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
