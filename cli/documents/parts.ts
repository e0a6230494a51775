import * as v from 'valibot';

const schemaVersion = v.pipe(
  v.literal(1),
  v.description(
    'The version of this document. A new member is no new version; one that is gone or means something else is.',
  ),
);

/** Why a command, or what it ran, has failed. */
export const failureSchema = v.strictObject({
  name: v.pipe(v.string(), v.description('The name of the error, as the runbook has it.')),
  step: v.pipe(
    v.nullable(v.string()),
    v.description('The state, or the function outside a machine, that failed; null when none was entered.'),
  ),
  message: v.string(),
  remedy: v.pipe(v.string(), v.description('What to do next.')),
  errors: v.pipe(
    v.optional(
      v.array(
        v.strictObject({
          pointer: v.pipe(
            v.optional(v.string()),
            v.description('The place in the request, as a JSON Pointer; absent for what is wrong elsewhere.'),
          ),
          field: v.optional(v.string()),
          rule: v.string(),
          name: v.pipe(v.optional(v.string()), v.description('The error that it would be, where there are several.')),
          remedy: v.optional(v.string()),
        }),
      ),
    ),
    v.description('All that is wrong with a request.'),
  ),
});

/** A document of a command; version and all that every document has. */
export const document = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject({ schemaVersion, ...entries });

/** The same of what the deployment says, which may have more. */
export const openDocument = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.looseObject({ schemaVersion, ...entries });

/** The document of a command that could not do its work. @param entries what it has beside the failure */
export const failed = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  document({ status: v.literal('FAILED'), ...entries, error: failureSchema });

/** The members of a document that says that all went well. */
export const succeeded = { status: v.literal('SUCCEEDED'), error: v.null() } as const;
