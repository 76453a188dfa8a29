-- The tables hold UTC instants without a zone: that is how KQL is executed.
CREATE SCHEMA IF NOT EXISTS raw;
CREATE TABLE IF NOT EXISTS raw.ApiManagementGatewayLogs (
    workspace VARCHAR, ingested TIMESTAMP, origin VARCHAR,
    TimeGenerated TIMESTAMP, CorrelationId VARCHAR, ApiId VARCHAR, ApiRevision VARCHAR,
    ApimSubscriptionId VARCHAR, OperationId VARCHAR, ProductId VARCHAR, UserId VARCHAR,
    CallerIpAddress VARCHAR, Region VARCHAR, Method VARCHAR, Url VARCHAR, ResponseCode INTEGER,
    BackendId VARCHAR, BackendMethod VARCHAR, BackendProtocol VARCHAR, BackendUrl VARCHAR,
    BackendResponseCode INTEGER, BackendTime BIGINT, CacheTime BIGINT, ClientTime BIGINT,
    TotalTime BIGINT, Cache VARCHAR, ClientProtocol VARCHAR, ClientTlsVersion VARCHAR,
    RequestSize INTEGER, ResponseSize INTEGER, LastErrorReason VARCHAR, LastErrorMessage VARCHAR,
    IsRequestSuccess BOOLEAN, OperationName VARCHAR, _ResourceId VARCHAR, _SubscriptionId VARCHAR,
    TenantId VARCHAR, SourceSystem VARCHAR, Type VARCHAR
);
CREATE TABLE IF NOT EXISTS raw.ApiManagementGatewayLlmLog (
    workspace VARCHAR, ingested TIMESTAMP, origin VARCHAR,
    TimeGenerated TIMESTAMP, CorrelationId VARCHAR, ApiVersion VARCHAR, DeploymentName VARCHAR,
    ModelName VARCHAR, PromptTokens INTEGER, CompletionTokens INTEGER, TotalTokens INTEGER,
    IsStreamCompletion BOOLEAN, RequestId VARCHAR, RequestMessages JSON, ResponseMessages JSON,
    SequenceNumber INTEGER, OperationName VARCHAR, Region VARCHAR, _ResourceId VARCHAR,
    _SubscriptionId VARCHAR, TenantId VARCHAR, SourceSystem VARCHAR, Type VARCHAR
);
-- The columns of Application Insights' table in a workspace; the policy fills few of them.
CREATE TABLE IF NOT EXISTS raw.AppMetrics (
    workspace VARCHAR, ingested TIMESTAMP, origin VARCHAR,
    TimeGenerated TIMESTAMP, Name VARCHAR, ItemCount INTEGER, Sum DOUBLE, Min DOUBLE, Max DOUBLE,
    Properties JSON, OperationName VARCHAR, OperationId VARCHAR, ParentId VARCHAR,
    SyntheticSource VARCHAR, SessionId VARCHAR, UserId VARCHAR, UserAuthenticatedId VARCHAR,
    UserAccountId VARCHAR, AppVersion VARCHAR, AppRoleName VARCHAR, AppRoleInstance VARCHAR,
    ClientType VARCHAR, ClientModel VARCHAR, ClientOS VARCHAR, ClientIP VARCHAR,
    ClientCity VARCHAR, ClientStateOrProvince VARCHAR, ClientCountryOrRegion VARCHAR,
    ClientBrowser VARCHAR, ResourceGUID VARCHAR, IKey VARCHAR, SDKVersion VARCHAR,
    _ResourceId VARCHAR, _SubscriptionId VARCHAR, TenantId VARCHAR, SourceSystem VARCHAR,
    Type VARCHAR
);
CREATE TEMP TABLE staged (
    workspace VARCHAR, called TIMESTAMP, correlation VARCHAR, subscription VARCHAR, product VARCHAR,
    api VARCHAR, operation VARCHAR, region VARCHAR, resource_id VARCHAR, url VARCHAR,
    backend VARCHAR, backend_url VARCHAR, deployment VARCHAR, model VARCHAR, prompt VARCHAR,
    completion VARCHAR, status INTEGER, cache VARCHAR, kept VARCHAR, streamed BOOLEAN,
    milliseconds BIGINT, error VARCHAR, ingestion_seconds DOUBLE, llm_lag_seconds DOUBLE,
    metrics_delay_seconds DOUBLE, cached BIGINT, reasoning BIGINT, properties VARCHAR, origin VARCHAR
);
-- record
INSERT INTO raw.ApiManagementGatewayLogs BY NAME
SELECT
    workspace,
    origin,
    called + to_microseconds(CAST(ingestion_seconds * 1e6 AS BIGINT)) AS ingested,
    called AS TimeGenerated,
    correlation AS CorrelationId,
    api AS ApiId,
    '1' AS ApiRevision,
    coalesce(subscription, '') AS ApimSubscriptionId,
    operation AS OperationId,
    coalesce(product, '') AS ProductId,
    CASE WHEN coalesce(subscription, '') = '' THEN '' ELSE '1' END AS UserId,
    '127.0.0.1' AS CallerIpAddress,
    region AS Region,
    'POST' AS Method,
    url AS Url,
    status AS ResponseCode,
    backend AS BackendId,
    CASE WHEN backend_url <> '' THEN 'POST' END AS BackendMethod,
    CASE WHEN backend_url <> '' THEN 'HTTP/1.1' END AS BackendProtocol,
    backend_url AS BackendUrl,
    CASE WHEN backend_url <> '' THEN status END AS BackendResponseCode,
    CASE WHEN backend_url <> '' THEN milliseconds - 5 ELSE 0 END AS BackendTime,
    CASE WHEN cache = 'hit' THEN 3 ELSE 0 END AS CacheTime,
    2 AS ClientTime,
    milliseconds AS TotalTime,
    cache AS Cache,
    'HTTP/1.1' AS ClientProtocol,
    '1.3' AS ClientTlsVersion,
    400 AS RequestSize,
    900 AS ResponseSize,
    error AS LastErrorReason,
    error AS LastErrorMessage,
    status < 400 AS IsRequestSuccess,
    'Microsoft.ApiManagement/GatewayLogs' AS OperationName,
    lower(resource_id) AS _ResourceId,
    split_part(resource_id, '/', 3) AS _SubscriptionId,
    workspace AS TenantId,
    'Azure' AS SourceSystem,
    'ApiManagementGatewayLogs' AS Type
FROM staged
WHERE kept IN ('both', 'logs', 'gateway');

-- Row 0 of a request carries the tokens; the rows after it carry chunks of the messages.
INSERT INTO raw.ApiManagementGatewayLlmLog BY NAME
SELECT
    workspace,
    origin,
    called + to_microseconds(CAST((ingestion_seconds + llm_lag_seconds) * 1e6 AS BIGINT)) AS ingested,
    called + to_microseconds(CAST(llm_lag_seconds * 1e6 AS BIGINT)) AS TimeGenerated,
    correlation AS CorrelationId,
    '2024-10-21' AS ApiVersion,
    CASE WHEN number = 0 THEN deployment ELSE '' END AS DeploymentName,
    CASE WHEN number = 0 THEN model ELSE '' END AS ModelName,
    CASE WHEN number = 0 THEN CAST(nullif(prompt, '\N') AS INTEGER) END AS PromptTokens,
    CASE WHEN number = 0 THEN CAST(nullif(completion, '\N') AS INTEGER) END AS CompletionTokens,
    CASE WHEN number = 0
        THEN CAST(nullif(prompt, '\N') AS INTEGER) + CAST(nullif(completion, '\N') AS INTEGER)
    END AS TotalTokens,
    streamed AS IsStreamCompletion,
    'chatcmpl-' || left(replace(correlation, '-', ''), 29) AS RequestId,
    CASE WHEN number = 1 THEN '[{"role":"user","content":"(not kept)"}]' ELSE '[]' END
        AS RequestMessages,
    CASE WHEN number = 2 THEN '[{"role":"assistant","content":"(not kept)"}]' ELSE '[]' END
        AS ResponseMessages,
    number AS SequenceNumber,
    'Microsoft.ApiManagement/GatewayLlmLogs' AS OperationName,
    region AS Region,
    lower(resource_id) AS _ResourceId,
    split_part(resource_id, '/', 3) AS _SubscriptionId,
    workspace AS TenantId,
    'Azure' AS SourceSystem,
    'ApiManagementGatewayLlmLog' AS Type
FROM staged CROSS JOIN (VALUES (0), (1), (2)) AS chunks(number)
WHERE kept IN ('both', 'logs', 'llm') AND status = 200 AND cache <> 'hit'
ORDER BY called, correlation, number;

-- One row per minute and set of properties. The prompt includes cached tokens, the completion
-- includes reasoning tokens, and the total includes both: the names are never to be added up.
INSERT INTO raw.AppMetrics BY NAME
WITH measured AS (
    SELECT
        *,
        coalesce(CAST(nullif(prompt, '\N') AS BIGINT), 0) AS asked,
        coalesce(CAST(nullif(completion, '\N') AS BIGINT), 0) AS answered
    FROM staged
    WHERE kept IN ('both', 'metrics') AND status = 200 AND cache <> 'hit'
), minutes AS (
    SELECT
        workspace,
        origin,
        date_trunc('minute', called) AS minute,
        properties,
        api,
        operation,
        region,
        lower(replace(
            resource_id, '/Microsoft.ApiManagement/service/', '/microsoft.insights/components/'
        )) AS component,
        max(called) + to_microseconds(
            CAST((ingestion_seconds + metrics_delay_seconds) * 1e6 AS BIGINT)
        ) AS ingested,
        list(asked + answered) AS total,
        list(asked) AS prompt,
        list(answered) AS completion,
        list(cached) FILTER (cached > 0) AS cached,
        list(reasoning) FILTER (reasoning > 0) AS reasoning
    FROM measured
    WHERE asked + answered > 0
    GROUP BY
        workspace, origin, minute, properties, api, operation, region, component,
        ingestion_seconds, metrics_delay_seconds
), named AS (
    SELECT
        * EXCLUDE (total, prompt, completion, cached, reasoning),
        CASE name
            WHEN 'Total Tokens' THEN total
            WHEN 'Prompt Tokens' THEN prompt
            WHEN 'Completion Tokens' THEN completion
            WHEN 'Cached Tokens' THEN cached
            ELSE reasoning
        END AS counts
    FROM minutes CROSS JOIN (
        VALUES
            ('Total Tokens'), ('Prompt Tokens'), ('Completion Tokens'),
            ('Cached Tokens'), ('Reasoning Tokens')
    ) AS names(name)
)
SELECT
    workspace,
    origin,
    ingested,
    minute AS TimeGenerated,
    name AS Name,
    len(counts) AS ItemCount,
    list_sum(counts) AS Sum,
    list_min(counts) AS Min,
    list_max(counts) AS Max,
    properties AS Properties,
    split_part(api, ';', 1) || ' - ' || operation AS OperationName,
    split_part(component, '/', 9) || '.azure-api.net ' || region AS AppRoleName,
    'managed' AS AppRoleInstance,
    'PC' AS ClientType,
    '0.0.0.0' AS ClientIP,
    'apim:0.1' AS SDKVersion,
    component AS _ResourceId,
    split_part(component, '/', 3) AS _SubscriptionId,
    workspace AS TenantId,
    'Azure' AS SourceSystem,
    'AppMetrics' AS Type
FROM named
WHERE counts IS NOT NULL
ORDER BY minute, name;
