import {
  type Capability,
  type CloudFormationClient,
  CloudFormationServiceException,
  GetTemplateSummaryCommand,
  type GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import { InvalidConfiguration, TemplateMismatch, TemplateNotReadable } from '../errors.ts';
import { isUnreadable, templateInput } from '../stacks/template.ts';
import type { OnboardingEnvironment } from './onboarding-environment.ts';
import type { Template } from './pinned-template.ts';

/**
 * What CloudFormation says of the template.
 * @param url where CloudFormation reads a template that is too long to stand in the call
 * @throws TemplateMismatch when it is none
 * @throws TemplateNotReadable when CloudFormation cannot read it there
 */
export async function templateSummary(
  cloudFormation: CloudFormationClient,
  { bytes, copyUrl, vendorUrl }: Template,
  url: string,
): Promise<GetTemplateSummaryOutput> {
  try {
    return await cloudFormation.send(new GetTemplateSummaryCommand(templateInput(bytes, url)));
  } catch (error) {
    if (!(error instanceof CloudFormationServiceException && error.name === 'ValidationError')) throw error;
    if (isUnreadable(error)) {
      const what = url === copyUrl ? 'the copy of the template' : 'the template';
      throw new TemplateNotReadable(`CloudFormation cannot read ${what}, ${url}: ${error.message}`);
    }
    throw new TemplateMismatch(`Template ${vendorUrl} is not valid: ${error.message}`);
  }
}

/**
 * The capabilities that the template needs. The summary does not include what templates of nested stacks need, and CloudFormation asks
 * the parent's caller for it (user guide, "Acknowledging IAM resources in CloudFormation templates"): all that are allowed, then.
 * @throws TemplateMismatch when the deployment does not allow one
 */
export function allowedCapabilities(
  summary: GetTemplateSummaryOutput,
  { ALLOWED_CAPABILITIES }: Pick<OnboardingEnvironment, 'ALLOWED_CAPABILITIES'>,
): Capability[] {
  const needed = summary.Capabilities ?? [];
  const forbidden = needed.find((capability) => !ALLOWED_CAPABILITIES.includes(capability));
  if (forbidden !== undefined) {
    throw new TemplateMismatch(
      `The template needs ${forbidden}; the deployment allows ${ALLOWED_CAPABILITIES.join(', ')}`,
    );
  }
  return summary.ResourceTypes?.includes('AWS::CloudFormation::Stack') ? ALLOWED_CAPABILITIES : needed;
}

type BoundaryEnvironment = Pick<
  OnboardingEnvironment,
  'TEMPLATE_PARAMETERS' | 'REQUIRE_PERMISSIONS_BOUNDARY' | 'ACCOUNTS' | 'PERMISSIONS_BOUNDARY_ARN'
>;

/**
 * The permissions boundary for roles in an account.
 * @throws TemplateMismatch when the deployment requires one and does not say how the template sets it
 * @throws InvalidConfiguration when the template is to set one and the account has none
 */
export function boundaryArn(environment: BoundaryEnvironment, accountId: string): string {
  const { TEMPLATE_PARAMETERS, REQUIRE_PERMISSIONS_BOUNDARY, ACCOUNTS, PERMISSIONS_BOUNDARY_ARN } = environment;
  if (TEMPLATE_PARAMETERS.boundary === undefined) {
    if (!REQUIRE_PERMISSIONS_BOUNDARY) return '';
    throw new TemplateMismatch(
      'The deployment requires a permissions boundary (requirePermissionsBoundary), and templateParameters has no boundary',
    );
  }
  const other = ACCOUNTS[accountId];
  if (other === undefined) return PERMISSIONS_BOUNDARY_ARN;
  if (other.permissionsBoundaryArn !== undefined) return other.permissionsBoundaryArn;
  throw new InvalidConfiguration(`ACCOUNTS: account ${accountId} has no permissionsBoundaryArn`);
}
