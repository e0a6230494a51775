import * as v from 'valibot';

/** Cognito's longest password (Cognito developer guide, quotas); what else a pool asks for is not known here. */
export const passwordSchema = v.pipe(
  v.string('must be a string'),
  v.nonEmpty('must not be empty'),
  v.maxLength(256, 'must be at most 256 characters'),
);
