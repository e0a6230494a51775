import * as v from 'valibot';
import type { Fault } from '../../lib/faults.ts';
import { parseWhole } from '../../lib/parse.ts';
import { correlationIdSchema, type Origin } from '../../lib/plans/origin.ts';
import type { RequestEvent } from './event.ts';

/** What the sender of an event may say beside the request. */
export const senderEntries = {
  requestedBy: v.optional(
    v.pipe(
      v.string('must be a string'),
      v.regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u, 'must be 1 to 256 characters without control characters'),
    ),
  ),
  correlationId: v.optional(correlationIdSchema),
};

/**
 * Takes an event's detail apart.
 * @returns the request, which is still to be checked; who asks: the account, which EventBridge vouches for, and what the sender says; and what
 *   is wrong with the latter
 */
export function takeRequest({ id, account, detail }: Pick<RequestEvent, 'id' | 'account' | 'detail'>): {
  request: unknown;
  origin: Origin;
  faults: readonly Fault[];
} {
  const unsaid = { requestedBy: `account ${account}`, correlationId: id };
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) {
    return { request: detail, origin: unsaid, faults: [] };
  }
  const { requestedBy, correlationId, ...request }: Record<string, unknown> = { ...detail };
  const said = parseWhole(v.object(senderEntries), { requestedBy, correlationId });
  if ('faults' in said) return { request, origin: unsaid, faults: said.faults };
  const by = said.output.requestedBy;
  return {
    request,
    origin: {
      requestedBy: by === undefined ? unsaid.requestedBy : `${unsaid.requestedBy}: ${by}`,
      correlationId: said.output.correlationId ?? id,
    },
    faults: [],
  };
}
