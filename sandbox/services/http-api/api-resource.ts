import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Caller } from '../../core/operation.ts';
import {
  type OnAccess,
  type ProvisionedResource,
  parseProperties,
  type ResourceContext,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import { deploymentApiId, type HttpApi } from './service.ts';

interface Parts {
  httpApi: HttpApis;
  onAccess: OnAccess;
}

type HttpApis = Omit<HttpApi, 'handle'>;

const apiProperties = v.strictObject({ Name: v.string(), ProtocolType: v.literal('HTTP') });

/** `AWS::ApiGatewayV2::Api`: an HTTP API. */
export function apiProvider({ httpApi, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    parseProperties(apiProperties, context);
    const { caller, previous, isDeployment } = context;
    if (previous === undefined) ask(onAccess, caller, 'POST', '/apis');
    else ask(onAccess, caller, 'PATCH', `/apis/${previous.physicalId}`);
    const id = previous?.physicalId ?? httpApi.createApi(caller, isDeployment ? deploymentApiId : undefined);
    return {
      physicalId: id,
      attributes: {},
      delete(by) {
        ask(onAccess, by, 'DELETE', `/apis/${id}`);
        httpApi.deleteApi(id);
      },
    };
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
    return partOf(context, onAccess, { path: `/apis/${ApiId}/stages`, id: StageName, remove() {} });
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
    const id = context.previous?.physicalId ?? randomBytes(4).toString('hex').slice(1);
    const integration = partOf(context, onAccess, {
      path: `/apis/${ApiId}/integrations`,
      id,
      remove: () => httpApi.deleteIntegration(ApiId, id),
    });
    httpApi.setIntegration(ApiId, id, IntegrationUri);
    return integration;
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
    const id = context.previous?.physicalId ?? randomBytes(4).toString('hex').slice(1);
    const route = partOf(context, onAccess, {
      path: `/apis/${ApiId}/routes`,
      id,
      remove: () => httpApi.deleteRoute(ApiId, id),
    });
    httpApi.setRoute(ApiId, id, { routeKey: RouteKey, integrationId: Target });
    return route;
  };
}

/** A part of an API, once IAM was asked to make or to change it. */
function partOf(
  { caller, previous }: ResourceContext,
  onAccess: OnAccess,
  { path, id, remove }: { path: string; id: string; remove: () => void },
): ProvisionedResource {
  if (previous === undefined) ask(onAccess, caller, 'POST', path);
  else ask(onAccess, caller, 'PATCH', `${path}/${id}`);
  return {
    physicalId: id,
    attributes: {},
    delete(by) {
      ask(onAccess, by, 'DELETE', `${path}/${id}`);
      remove();
    },
  };
}

/** API Gateway's actions are HTTP methods: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html */
function ask(onAccess: OnAccess, caller: Caller, method: 'POST' | 'PATCH' | 'DELETE', path: string): void {
  onAccess(caller, { action: `apigateway:${method}`, resource: `arn:aws:apigateway:${caller.region}::${path}` });
}
