import type { GetTemplateSummaryOutput } from '@aws-sdk/client-cloudformation';
import { TooLongAnswer } from '../aws/http.ts';
import { ObjectNotReadable, type S3 } from '../aws/signed/s3.ts';
import {
  InvalidRequest,
  TemplateChanged,
  TemplateMismatch,
  TemplateNotPinned,
  TemplateNotReadable,
} from '../errors.ts';
import { copyUrl, maxTemplateBytes, sha256Of } from '../stacks/template.ts';
import type { OnboardingEnvironment } from './onboarding-environment.ts';

/** A template as it was read and checked. */
export interface Template {
  /** Where the vendor has it. */
  vendorUrl: string;
  bytes: Buffer;
  sha256: string;
  /** Where the deployment has its copy, or will. */
  copyUrl: string;
}

/** What of the environment decides which template is read, and whether it may be used. */
type TemplateEnvironment = Pick<
  OnboardingEnvironment,
  'BUILDS' | 'DEFAULT_BUILD' | 'REQUIRE_PINNED_TEMPLATE' | 'TEMPLATE_BASE_URL' | 'TEMPLATE_COPIES_URL'
>;

/**
 * Reads the template of a build, once, and compares it with its pin: whatever uses it from here on uses these bytes.
 * @param requested the build that the request names; undefined: the deployment's default
 * @throws TemplateChanged when it is not the one that is pinned
 * @throws TemplateNotPinned when it has no pin, and the deployment requires one
 * @throws InvalidRequest when the request names a build of which S3 says that there is none
 * @throws TemplateNotReadable when it cannot be read otherwise
 * @throws TemplateMismatch when it is too long
 */
export async function pinnedTemplate(
  requested: string | undefined,
  environment: TemplateEnvironment,
  s3: Pick<S3, 'get'>,
): Promise<Template> {
  const build = requested ?? environment.DEFAULT_BUILD;
  const vendorUrl = vendorUrlOf(requested, environment);
  const bytes = await read(s3, vendorUrl, ({ code, message }) => {
    if (requested !== undefined && code === 'NoSuchKey') {
      return new InvalidRequest('stack.build', `there is no template of build ${build}: ${message}`);
    }
    // Who may not list a bucket does not learn what is not there (S3 API reference, GetObject, "Permissions").
    const hint = code === 'AccessDenied' ? ' (S3 answers so, too, when there is no such build)' : '';
    return new TemplateNotReadable(`The template of build ${build} cannot be read: ${message}${hint}`);
  });
  const sha256 = sha256Of(bytes);
  const pin = Object.hasOwn(environment.BUILDS, build) ? environment.BUILDS[build] : undefined;
  if (pin === undefined && environment.REQUIRE_PINNED_TEMPLATE) throw new TemplateNotPinned(build, sha256);
  if (pin !== undefined && pin !== sha256) {
    throw new TemplateChanged(
      `The template of build ${build} (${vendorUrl}) has SHA-256 ${sha256}; builds pins ${pin}`,
    );
  }
  return { vendorUrl, bytes, sha256, copyUrl: copyUrl(environment.TEMPLATE_COPIES_URL, sha256) };
}

/** Where the vendor has the template of a build. @param requested the build that the request names; undefined: the deployment's default */
export function vendorUrlOf(
  requested: string | undefined,
  { TEMPLATE_BASE_URL, DEFAULT_BUILD }: Pick<OnboardingEnvironment, 'TEMPLATE_BASE_URL' | 'DEFAULT_BUILD'>,
): string {
  return `${TEMPLATE_BASE_URL}/${requested ?? DEFAULT_BUILD}/infinstor-setup-customer.yaml`;
}

async function read(s3: Pick<S3, 'get'>, url: string, notThere: (error: ObjectNotReadable) => Error): Promise<Buffer> {
  try {
    return await s3.get(url, maxTemplateBytes);
  } catch (error) {
    if (error instanceof ObjectNotReadable) throw notThere(error);
    if (!(error instanceof TooLongAnswer)) throw error;
    throw new TemplateMismatch(
      `Template ${url} has more than ${maxTemplateBytes} bytes, which CloudFormation takes at most`,
    );
  }
}

/**
 * Refuses a template of which parts lie elsewhere, where no pin is compared with them.
 * @throws TemplateMismatch
 */
export function requireWhole({ ResourceTypes = [], DeclaredTransforms = [] }: GetTemplateSummaryOutput): void {
  const parts = [
    ...(ResourceTypes.includes('AWS::CloudFormation::Stack') ? ['nested stacks'] : []),
    ...(DeclaredTransforms.length > 0 ? [`the transforms ${DeclaredTransforms.join(', ')}`] : []),
  ];
  if (parts.length === 0) return;
  throw new TemplateMismatch(
    `The template has ${parts.join(' and ')}, which no pin covers: the deployment requires pinned templates (requirePinnedTemplate)`,
  );
}
