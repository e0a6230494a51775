import * as v from 'valibot';
import { AwsError } from '../../core/operation.ts';

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const mostTags = 50;

export type Tags = Readonly<Record<string, string>>;

const TagKey = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
export const TagKeys = v.array(TagKey);
export const TagList = v.array(v.strictObject({ TagKey, TagValue: v.pipe(v.string(), v.maxLength(256)) }));

/** The tags of a call. @throws AwsError TagException */
export function tagsOf(list: v.InferOutput<typeof TagList>): Tags {
  const tags = Object.fromEntries(list.map(({ TagKey: name, TagValue }) => [name, TagValue]));
  if (Object.keys(tags).length < list.length) throw new AwsError('TagException', 'Duplicate tag keys');
  requireTags(tags);
  return tags;
}

/** What IAM is asked about the tags of a call. */
export const requestTags = (list: v.InferOutput<typeof TagList>) => ({
  ...Object.fromEntries(list.map(({ TagKey: name, TagValue }) => [`aws:RequestTag/${name}`, TagValue])),
  ...(list.length > 0 && { 'aws:TagKeys': list.map(({ TagKey: name }) => name) }),
});

/**
 * KMS takes letters of any script, digits, blanks and these signs, in keys and values (KMS API reference, "Tag"; the general rule of the Tagging AWS
 * resources user guide). A `&` was refused with this error (github.com/crossplane-contrib/provider-upjet-aws/issues/922); that a `*` is, too,
 * follows from the rule. The other texts were recorded in AWS (github.com/localstack/localstack, tests/aws/services/kms); that a key with
 * fifty tags gets the same one as a call with more is assumed.
 * @throws AwsError TagException
 */
export function requireTags(tags: Tags): void {
  if (Object.keys(tags).length > mostTags) throw new AwsError('TagException', 'Too many tags');
  for (const [name, value] of Object.entries(tags)) {
    if (/^aws:/i.test(name)) throw new AwsError('TagException', 'Tags beginning with aws: are reserved');
    const isTaken =
      /^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u.test(name) && /^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u.test(value);
    if (!isTaken) throw new AwsError('TagException', 'Invalid tag');
  }
}
