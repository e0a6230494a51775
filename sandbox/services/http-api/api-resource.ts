import * as v from 'valibot';
import { type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { HttpApi } from './service.ts';

interface Parts {
  httpApi: Pick<HttpApi, 'id' | 'addIntegration' | 'addRoute'>;
  onAccess: OnAccess;
}

const apiProperties = v.strictObject({ Name: v.string(), ProtocolType: v.literal('HTTP') });

/** `AWS::ApiGatewayV2::Api`: the one HTTP API of the sandbox, which is there with or without a template. */
export function apiProvider({ httpApi, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    parseProperties(apiProperties, context);
    askToPost(onAccess, context.caller, '/apis');
    return { physicalId: httpApi.id, attributes: {} };
  };
}

const stageProperties = v.strictObject({
  ApiId: v.string(),
  StageName: v.literal('$default'),
  AutoDeploy: v.literal(true),
  // Metrics and access logs are for a real deployment.
  DefaultRouteSettings: v.optional(v.record(v.string(), v.unknown())),
  AccessLogSettings: v.optional(v.record(v.string(), v.unknown())),
});

/** `AWS::ApiGatewayV2::Stage`: `$default`, which the API has anyway. */
export function stageProvider({ onAccess }: Pick<Parts, 'onAccess'>): ResourceProvider {
  return async (context) => {
    const { ApiId, StageName } = parseProperties(stageProperties, context);
    askToPost(onAccess, context.caller, `/apis/${ApiId}/stages`);
    return { physicalId: StageName, attributes: {} };
  };
}

const integrationProperties = v.strictObject({
  ApiId: v.string(),
  IntegrationType: v.literal('AWS_PROXY'),
  IntegrationUri: v.string(),
  PayloadFormatVersion: v.literal('2.0'),
  TimeoutInMillis: v.optional(v.number()),
});

/** `AWS::ApiGatewayV2::Integration`: a function behind the API. */
export function integrationProvider({ httpApi, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { ApiId, IntegrationUri } = parseProperties(integrationProperties, context);
    askToPost(onAccess, context.caller, `/apis/${ApiId}/integrations`);
    return { physicalId: httpApi.addIntegration(IntegrationUri), attributes: {} };
  };
}

const routeProperties = v.strictObject({
  ApiId: v.string(),
  RouteKey: v.string(),
  Target: v.pipe(
    v.string(),
    v.regex(/^integrations\//),
    v.transform((target) => target.slice('integrations/'.length)),
  ),
  AuthorizationType: v.literal('AWS_IAM'),
});

/** `AWS::ApiGatewayV2::Route`. Fails for a route that IAM does not guard, and for an integration that does not exist. */
export function routeProvider({ httpApi, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { ApiId, RouteKey, Target } = parseProperties(routeProperties, context);
    askToPost(onAccess, context.caller, `/apis/${ApiId}/routes`);
    httpApi.addRoute({ routeKey: RouteKey, integrationId: Target });
    return { physicalId: context.logicalId, attributes: {} };
  };
}

/** API Gateway's actions are HTTP methods: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html */
function askToPost(onAccess: OnAccess, caller: Parameters<OnAccess>[0], path: string): void {
  onAccess(caller, { action: 'apigateway:POST', resource: `arn:aws:apigateway:${caller.region}::${path}` });
}
