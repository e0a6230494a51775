import { createHash } from 'node:crypto';

/** What a template may have when CloudFormation reads it from S3 ("1 MB", CloudFormation user guide, "Quotas"). */
export const maxTemplateBytes = 1_000_000;
/** What a template may have that stands in the call itself (the same page). */
const maxBodyBytes = 51_200;

/** The SHA-256 of a template's bytes, in hexadecimal digits. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Where the deployment keeps its copy of the template with this hash. @param base the value of TEMPLATE_COPIES_URL */
export const copyUrl = (base: string, sha256: string): string => `${base}/${sha256}.yaml`;

/**
 * How a call of CloudFormation gets exactly these bytes: in the call itself where they fit and are text, else by the URL of the copy.
 * @param url of the deployment's copy of the same bytes
 */
export function templateInput(bytes: Buffer, url: string): { TemplateBody: string } | { TemplateURL: string } {
  const text = bytes.toString('utf8');
  // What is not UTF-8 would be sent otherwise than it was checked.
  const isExact = bytes.length <= maxBodyBytes && bytes.equals(Buffer.from(text));
  return isExact ? { TemplateBody: text } : { TemplateURL: url };
}

/** Whether CloudFormation has not got as far as the template: its words for an object that is not there, not to be read, or in another Region. */
export const isUnreadable = ({ message }: Error): boolean => /^(?:S3 error|TemplateURL must)/.test(message);
