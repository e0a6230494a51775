import { type QuotaKind, quotaFacts, type StackUses } from './limits.ts';

/** A number that was read, or why it could not be. */
export type Read = number | { error: { name: string; message: string } };

/** What was read of a quota. */
export interface QuotaReading {
  kind: QuotaKind;
  used: Read;
  limit: Read;
}

/** A quota as it is shown. What could not be read is null, and `errors` says why. */
export interface QuotaLine {
  name: string;
  quotaCode: string;
  scope: 'account' | 'region';
  used: number | null;
  limit: number | null;
  free: number | null;
  unit: string;
  adjustable: true;
  /** AWS's default and where it stands, beside a limit that is not known. */
  default?: { limit: number; source: string };
  errors?: { name: string; message: string }[];
  /** How many must stay free (param quotaReserve); absent where none need to. */
  reserve?: number;
  /** How many subscribers' stacks fit, beside what must stay free; null when that is not known. */
  subscribersThatFit: number | null;
  /** What to ask AWS for when there is too little. */
  askFor: string;
}

/**
 * A quota, and how many stacks that take so much of it still fit.
 * @param reserve how many must stay free besides, so that an onboarding is not refused
 */
export function quotaLine({ kind, used, limit }: QuotaReading, uses: StackUses, reserve = 0): QuotaLine {
  const facts = quotaFacts[kind];
  const [known, most] = [numberOf(used), numberOf(limit)];
  const free = known === null || most === null ? null : Math.max(0, most - known);
  const errors = [used, limit].flatMap((read) => (typeof read === 'number' ? [] : [read.error]));
  return {
    ...{ name: facts.name, quotaCode: facts.quotaCode, scope: facts.scope },
    ...{ used: known, limit: most, free, unit: facts.unit, adjustable: true },
    ...(most === null && { default: { limit: facts.defaultLimit, source: facts.source } }),
    ...(errors.length > 0 && { errors }),
    ...(reserve > 0 && { reserve }),
    subscribersThatFit: free === null ? null : Math.floor(Math.max(0, free - reserve) / uses[kind]),
    askFor: askFor(kind),
  };
}

/** What to ask AWS for, in the words of its console. */
function askFor(kind: QuotaKind): string {
  const { name, service, quotaCode, most, scope } = quotaFacts[kind];
  const where = scope === 'account' ? 'for the account' : 'for the account in this Region';
  const atMost = most === undefined ? '' : `; AWS grants ${most.toLocaleString('en-US')} at most`;
  return `In Service Quotas, ${service}, quota ${quotaCode} (${name}), request an increase ${where}${atMost}`;
}

/** How many subscribers fit, by all quotas of which that is known, and the quota that lets in the fewest. */
export function narrowest(lines: readonly QuotaLine[]): {
  subscribersThatFit: number | null;
  narrowest: string | null;
} {
  const known = lines.flatMap(({ name, subscribersThatFit: fit }) => (fit === null ? [] : [{ name, fit }]));
  const [first] = known.toSorted((one, other) => one.fit - other.fit);
  return { subscribersThatFit: first?.fit ?? null, narrowest: first?.name ?? null };
}

const numberOf = (read: Read) => (typeof read === 'number' ? read : null);
