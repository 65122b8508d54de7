//! One request, one answer.
use reqwest::{Client, Method, header::HeaderMap};
use serde_json::Value;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request. `None` where no answer came.
pub(crate) fn try_request(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut request = client.request(method, url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.ok()?.to_vec();
        Some(Answer {
            status,
            headers,
            body,
        })
    })
}

pub(crate) fn request(method: Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_request(method, url, headers, body).unwrap_or_else(|| panic!("{url} did not answer"))
}

pub(crate) fn get(url: &str) -> Answer {
    request(Method::GET, url, &[], &[])
}

/// The body of what must be there.
pub(crate) fn found(url: &str) -> Vec<u8> {
    let answer = get(url);
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    answer.body
}

pub(crate) fn push(url: &str, key: &str, gem: &[u8]) -> Option<Answer> {
    let headers = [
        ("authorization", key),
        ("content-type", "application/octet-stream"),
    ];
    try_request(Method::POST, &format!("{url}/api/v1/gems"), &headers, gem)
}
