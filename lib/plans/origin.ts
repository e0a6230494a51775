import * as v from 'valibot';
import { InvalidRequest } from '../errors.ts';
import { parseWhole } from '../parse.ts';

/** What is shown of who asked when nobody has said so: CloudTrail's event StartExecution has who started an execution directly. */
export const unknownRequester = 'unknown';

/** Characters that can be shown, in one line. */
const requestedBySchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,1000}$/u, 'must be 1 to 1,000 characters without control characters'),
);

/** By what a caller finds its own request again. */
export const correlationIdSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible characters of ASCII'),
);

/** Who asked for an execution, as the door that it came through found: it stands beside the request in the machine's input. */
export const originSchema = v.strictObject({
  requestedBy: requestedBySchema,
  correlationId: v.optional(correlationIdSchema),
});

export type Origin = v.InferOutput<typeof originSchema>;

/** What a plan has of it, so that each step's log lines have it, too. */
export const correlationOf = (origin: Origin | undefined): Pick<Origin, 'correlationId'> =>
  origin?.correlationId === undefined ? {} : { correlationId: origin.correlationId };

/** A machine's input in its two parts; the member `origin` is no part of a request. */
function parts(input: unknown): { request: unknown; origin: unknown } {
  if (typeof input !== 'object' || input === null || !Object.hasOwn(input, 'origin')) {
    return { request: input, origin: undefined };
  }
  const { origin, ...request }: { origin?: unknown } = { ...input };
  return { request, origin };
}

/** The request of a machine's input, without what a door has added. */
export const requestOf = (input: unknown): unknown => parts(input).request;

/**
 * Takes a machine's input apart.
 * @returns the request, which is still to be checked, and who asked for it; undefined for an execution that was started directly
 * @throws InvalidRequest for an origin that breaks its schema
 */
export function takeOrigin(input: unknown): { request: unknown; origin: Origin | undefined } {
  const { request, origin } = parts(input);
  if (origin === undefined) return { request, origin };
  const parsed = parseWhole(v.object({ origin: originSchema }), { origin });
  if ('faults' in parsed) throw new InvalidRequest(parsed.faults);
  return { request, origin: parsed.output.origin };
}

/** Who asked, where that is only to be shown: undefined for none, and for one that breaks its schema. */
export function originIn(input: unknown): Origin | undefined {
  const result = v.safeParse(originSchema, parts(input).origin);
  return result.success ? result.output : undefined;
}
