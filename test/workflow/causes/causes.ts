// The causes of the public errors, and how each is brought about in the sandbox.

import type { Cause } from './cause.ts';
import { causesOfKeys } from './causes-of-keys.ts';
import { causesOfLogins } from './causes-of-logins.ts';
import { causesOfRequests } from './causes-of-requests.ts';
import { causesOfStacks } from './causes-of-stacks.ts';
import { causesOfUpgrades } from './causes-of-upgrades.ts';

export const causes: readonly Cause[] = [
  ...causesOfRequests,
  ...causesOfLogins,
  ...causesOfStacks,
  ...causesOfUpgrades,
  ...causesOfKeys,
];
