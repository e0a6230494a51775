import type { Access } from '../../core/operation.ts';
import type { BucketStore } from '../s3/bucket-resource.ts';
import { bucketRegion, namesRegion, objectAccess, objectAt, regionAt } from '../s3/object-store.ts';
import { parseTemplate, type Template } from './template.ts';
import { validationError } from './template-checks.ts';

/** How a call says which template is meant: in one of these ways. */
export interface GivenTemplate {
  TemplateBody?: string | undefined;
  TemplateURL?: string | undefined;
}

export interface TemplateSource {
  /** The text of the template that a call gives. @throws AwsError ValidationError unless it gives one, in one way */
  given(template: GivenTemplate): string;
  /** What IAM is asked to read it: the caller must be able to, even from a public bucket. @throws AwsError ValidationError */
  accessTo(url: string): Access;
  /** The text of the template at a URL. @throws AwsError ValidationError when there is none, or too long a one */
  bodyOf(url: string): string;
  /** @throws AwsError ValidationError for a text that is no template */
  templateOf(body: string): Template;
}

/** What may stand in a call: the same page, and for the words mbailey/bash-my-aws#100 */
const maxBodyBytes = 51_200;
/** What may lie at a TemplateURL: "1 MB" in https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const maxTemplateBytes = 1_000_000;

const s3Error = (message: string) =>
  validationError(
    `S3 error: ${message}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html`,
  );

/** CloudFormation's words for an object that is not there, or that the caller may not read. */
export const notReadable = () => s3Error('Access Denied');

/** The templates that stacks are made of. @param templates the text at a URL */
export function createTemplateSource(
  templates: (url: string) => string | undefined,
  buckets: BucketStore,
): TemplateSource {
  /** The templates that were read so far, by their text. */
  const read = new Map<string, Template>();
  return {
    given({ TemplateBody: body, TemplateURL: url }) {
      if (url !== undefined && body === undefined) return this.bodyOf(url);
      if (url !== undefined || body === undefined) {
        throw validationError('Either Template URL or Template Body must be specified.');
      }
      if (Buffer.byteLength(body) <= maxBodyBytes) return body;
      throw validationError(
        `1 validation error detected: Value '${body}' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${maxBodyBytes}`,
      );
    },
    accessTo(url) {
      const place = objectAt(url);
      if (place === undefined) throw validationError('TemplateURL must be a supported URL.');
      return objectAccess(buckets, 's3:GetObject', place);
    },
    bodyOf(url) {
      const bucket = objectAt(url)?.bucket ?? '';
      const region = bucketRegion(buckets, bucket);
      if (region === undefined) throw s3Error('The specified bucket does not exist');
      // CloudFormation follows no redirection to another Region (cloudtools/stacker, tests of create_changeset).
      // One that names no Region is redirected to: osls deploys to all Regions with such URLs.
      if (namesRegion(url) && region !== regionAt(url)) {
        throw s3Error(
          'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
        );
      }
      const body = templates(url);
      if (body === undefined) throw notReadable();
      if (Buffer.byteLength(body) > maxTemplateBytes) {
        throw validationError(`Template may not exceed ${maxTemplateBytes} bytes in size.`);
      }
      return body;
    },
    templateOf(body) {
      const template = read.get(body) ?? parseTemplate(body);
      read.set(body, template);
      return template;
    },
  };
}
