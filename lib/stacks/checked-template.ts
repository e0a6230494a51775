import { CloudFormationServiceException } from '@aws-sdk/client-cloudformation';
import { ObjectNotReadable, type S3 } from '../aws/signed/s3.ts';
import { InvalidConfiguration, TemplateChanged, TemplateMismatch, TemplateNotReadable } from '../errors.ts';
import { isUnreadable, maxTemplateBytes, sha256Of, templateInput } from './template.ts';

/**
 * The bytes that the first step has checked, as CloudFormation takes them: nobody but the deployment should write the copy, and that is
 * checked, too.
 * @throws TemplateChanged when the copy is another one, or S3 says that it is gone
 * @throws TemplateNotReadable when it cannot be read
 */
export async function checkedTemplate(s3: S3, { sha256, copyUrl }: { sha256: string; copyUrl: string }) {
  const bytes = await s3.get(copyUrl, maxTemplateBytes).catch((error: unknown) => {
    if (!(error instanceof ObjectNotReadable)) throw error;
    const { code, message } = error;
    if (code === 'NoSuchKey') throw new TemplateChanged(`The deployment's copy of the template is gone: ${message}`);
    // Who may not list a bucket does not learn what is not there (S3 API reference, GetObject, "Permissions").
    const hint = code === 'AccessDenied' ? ' (S3 answers so, too, when it is gone)' : '';
    throw new TemplateNotReadable(`The deployment's copy of the template cannot be read: ${message}${hint}`);
  });
  const found = sha256Of(bytes);
  if (found === sha256) return templateInput(bytes, copyUrl);
  throw new TemplateChanged(`The deployment's copy of the template, ${copyUrl}, has SHA-256 ${found} since`);
}

/**
 * What CloudFormation refuses before it makes or changes anything, in its words: a rule or a constraint of the template that only it could judge,
 * the copy of the template, or its role. Other errors stay as they are, such as a quota's: no stack is there that would have failed.
 * @param doing what it does not do, such as `does not create stack …`
 */
export function refusedTemplate(error: unknown, { copyUrl, doing }: { copyUrl: string; doing: string }): unknown {
  if (!(error instanceof CloudFormationServiceException)) return error;
  if (error.name !== 'ValidationError' && error.name !== 'InsufficientCapabilitiesException') return error;
  const words = error.message;
  if (isUnreadable(error)) {
    return new TemplateNotReadable(`CloudFormation cannot read the copy of the template, ${copyUrl}: ${words}`);
  }
  if (/^Role .* is invalid or cannot be assumed/.test(words)) {
    return new InvalidConfiguration(`CloudFormation cannot act as the service role of the stacks: ${words}`);
  }
  return new TemplateMismatch(`CloudFormation ${doing}: ${words}`);
}
