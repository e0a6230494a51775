// How subscribers' stacks are upgraded, and what is expected of them then.

import { expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { grantsOf, newKey, recordOf, requestFor, run } from '../sandbox.ts';
import { newName, newRun, onboarded, policyOf, rolesOn, stackOf } from '../subscriber.ts';

/** The states of an upgrade that changes the stack. */
export const upgradePath = [
  ...['AcceptUpgrade', 'PrepareChangeSet', 'ReadRoleArn', 'PatchKeyPolicy', 'WhatIsLeft', 'ExecuteChangeSet'],
  ...['WaitForStack', 'ReadRoleArn', 'PatchKeyPolicy', 'WhatIsLeft', 'CompleteUpgrade'],
];
/** Those of one that finds the stack as it is to be. */
export const nothingToDo = ['AcceptUpgrade', 'PrepareChangeSet', 'ReadRoleArn', 'PatchKeyPolicy', 'WhatIsLeft', 'CompleteUpgrade'];

export const upgrade = (sandbox: Sandbox, request: object): Promise<Report> => run(sandbox, 'upgrade-subscriber', request);
