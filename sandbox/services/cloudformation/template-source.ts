import { parseTemplate, type Template } from './template.ts';
import { validationError } from './template-checks.ts';

export interface TemplateSource {
  /** The text of the template at a URL. @throws AwsError ValidationError when there is none, or too long a one */
  bodyOf(url: string): string;
  /** @throws AwsError ValidationError for a text that is no template */
  templateOf(body: string): Template;
}

/** What may lie at a TemplateURL: "1 MB" in https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const maxTemplateBytes = 1_000_000;

/** The templates that stacks are made of. @param templates the text at a URL */
export function createTemplateSource(templates: (url: string) => string | undefined): TemplateSource {
  /** The templates that were read so far, by their text. */
  const read = new Map<string, Template>();
  return {
    bodyOf(url) {
      const body = templates(url);
      if (body === undefined) {
        throw validationError(
          'S3 error: Access Denied\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html',
        );
      }
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
