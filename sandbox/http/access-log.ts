import { appendFileSync } from 'node:fs';
import { decide } from '../policy.ts';
import type { Access, Caller } from '../service.ts';

/** A call that IAM would have denied. */
export interface Denial {
  principalArn: string;
  action: string;
  resource: string;
  reason: string;
}

export interface AccessLog {
  /** Asks IAM, and notes a denial. Returns whether the access is allowed. */
  check(caller: Caller, access: Access): boolean;
  denials(): readonly Denial[];
}

/** Decides on every access with the caller's policies, and writes would-be denials to a file; it refuses nothing. */
export function createAccessLog(file: string): AccessLog {
  const denials: Denial[] = [];
  return {
    check(caller, access) {
      const decision = decide(caller, access);
      if (decision.allowed) return true;
      const { action, resource } = access;
      const denial = { principalArn: caller.principalArn, action, resource, reason: decision.reason };
      denials.push(denial);
      appendFileSync(file, `${JSON.stringify(denial)}\n`);
      return false;
    },
    denials: () => denials,
  };
}
