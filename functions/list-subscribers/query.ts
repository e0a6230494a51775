import * as v from 'valibot';
import { asJsonSchema } from '../../lib/as-json-schema.ts';
import { keyArnSchema, parseParameters } from '../../lib/requests/fields.ts';
import { statusSchema } from '../../lib/subscribers/operations.ts';

const defaultLimit = 50;
const limitRule = 'must be a number from 1 to 100';
const timeRule = 'must be a time in UTC, such as 2026-01-31T00:00:00Z';

const timeSchema = v.pipe(
  v.string(timeRule),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z$/, timeRule),
  asJsonSchema(
    v.check((text: string) => !Number.isNaN(Date.parse(text)), timeRule),
    {
      pattern:
        '^\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])T(?:(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,3})?)?|24:00(?::00(?:\\.0{1,3})?)?)Z$',
    },
  ),
  // As records have it, so that the same time is the same text.
  v.transform((text) => new Date(text).toISOString()),
);

/** What a list is of. All that are given must hold. */
const filterEntries = {
  status: v.optional(v.picklist(statusSchema.options, `must be one of ${statusSchema.options.join(', ')}`)),
  account: v.optional(
    v.pipe(v.string('must be the ID of an account'), v.regex(/^\d{12}$/, 'must be the 12 digits of an account')),
  ),
  key: v.optional(keyArnSchema),
  updatedBefore: v.optional(timeSchema),
  updatedAfter: v.optional(timeSchema),
};

export const querySchema = v.strictObject({
  ...filterEntries,
  limit: v.optional(
    v.pipe(v.string(limitRule), v.regex(/^[1-9]\d?$|^100$/, limitRule), v.transform(Number)),
    String(defaultLimit),
  ),
  nextToken: v.optional(v.string('must be a string')),
});

const filtersSchema = v.object(filterEntries);

export type Filters = v.InferOutput<typeof filtersSchema>;

export interface ListQuery {
  filters: Filters;
  /** How many subscribers a page has at most. */
  limit: number;
  nextToken: string | undefined;
}

/**
 * Reads the query of a list. A parameter that is unknown is refused: with a misspelt filter the list would be of all.
 * @throws InvalidRequest naming the parameter and the rule
 */
export function parseListQuery(parameters: Readonly<Record<string, string>>): ListQuery {
  const { limit, nextToken, ...filters } = parseParameters(querySchema, { ...parameters });
  return { filters, limit, nextToken };
}
