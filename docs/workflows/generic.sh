# Releases %GEM% to %URL% with an identity token in $ID_TOKEN, whose audience must be %AUDIENCE%
gem build *.gemspec
GEM_HOST_API_KEY=$(curl --silent --fail-with-body --header 'Content-Type: application/json' \
  --data "{\"jwt\": \"$ID_TOKEN\"}" \
  %URL%/api/v1/oidc/trusted_publisher/exchange_token | ruby -rjson -e 'print JSON.parse($stdin.read).fetch("rubygems_api_key")')
export GEM_HOST_API_KEY
trap 'curl --silent --request DELETE --header "Authorization: $GEM_HOST_API_KEY" \
  %URL%/api/v1/oidc/trusted_publisher/exchange_token' EXIT
gem push --host %URL% *.gem
