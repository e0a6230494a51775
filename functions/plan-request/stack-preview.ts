import type { GetTemplateSummaryOutput } from '@aws-sdk/client-cloudformation';
import type { Plan } from '../../lib/plans/onboarding.ts';
import type { StackPreview } from '../../lib/preflight/preview.ts';
import { isMasked } from '../../lib/preflight/template-parameters.ts';

/** The stack that a plan is for. Values that the template hides are not shown. */
export function stackPreview(plan: Pick<Plan, 'stack'>, summary: GetTemplateSummaryOutput): StackPreview {
  const { name, accountId, region, templateUrl, template, parameters, tokenParameter, tags } = plan.stack;
  const shown = Object.entries(parameters).map(([key, value]) => [key, isMasked(summary, key) ? '****' : value]);
  return {
    name,
    accountId,
    region,
    templateUrl,
    templateSha256: template.sha256,
    parameters: { ...Object.fromEntries(shown), [tokenParameter]: '****' },
    tags,
  };
}
