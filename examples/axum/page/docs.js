// Shows the OpenAPI document with Swagger UI, whose script has been loaded before.
"use strict";

SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    // Each call can be tried at once.
    tryItOutEnabled: true,
    // By default, a badge would send the document to a validator elsewhere.
    validatorUrl: null,
});
