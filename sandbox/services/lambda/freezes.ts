import type { Clock } from '../../core/clock.ts';
import type { Faults } from '../../core/faults.ts';
import { stepOf } from './invocation.ts';
import type { LambdaPool } from './pool.ts';

/**
 * How long a frozen function stood still: a NAT gateway drops a flow that is idle for 350 seconds, without a word
 * (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html).
 */
const frozenMs = 6 * 60_000;

/** A function that was frozen before an invocation, and how many connections it had open then. */
export interface Freeze {
  step: string;
  flows: number;
}

export interface Freezes {
  /** Before an invocation: lets a freeze happen that was asked for. Also before the time of a state begins, which it is no part of. */
  thaw(functionArn: string): Promise<void>;
  /** Those that have happened. */
  happened(): readonly Freeze[];
}

interface Parts {
  clock: Clock;
  faults: Pick<Faults, 'take'>;
  pool: Pick<LambdaPool, 'functions' | 'freeze' | 'catchUp'>;
  /** Lets the flows from these ports be answered no more. */
  drop: (ports: readonly number[]) => void;
}

/**
 * The freezes of execution environments: Lambda stops them between invocations, for however long (Lambda developer guide, "Lambda
 * execution environment lifecycle"), and a connection that they keep may be dead without their having received a FIN.
 */
export function createFreezes({ clock, faults, pool, drop }: Parts): Freezes {
  const happened: Freeze[] = [];
  return {
    happened: () => happened,
    async thaw(functionArn) {
      const lambda = pool.functions().find((candidate) => candidate.functionArn === functionArn);
      if (lambda === undefined) return;
      const step = stepOf(lambda);
      if (faults.take('lambda', step)?.kind !== 'freeze') return;
      const endOfWork = clock.busy();
      try {
        const ports = await pool.freeze(functionArn);
        drop(ports);
        happened.push({ step, flows: ports.length });
        clock.advance(frozenMs);
        await pool.catchUp();
      } finally {
        endOfWork();
      }
    },
  };
}
