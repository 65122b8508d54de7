//! What came back, and what a test may say of it.
#![cfg(test)]
use reqwest::RequestBuilder;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// It has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// It is JSON with this status and code, and its message says this.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str, message: &str) -> Self {
        let body = self.is(status);
        let told = body.json();
        assert_eq!(told["code"], code, "{told}");
        assert!(
            told["message"].as_str().unwrap().contains(message),
            "{told}"
        );
        assert!(told["error"].is_string(), "{told}");
        assert_eq!(body.header("cache-control"), Some("no-store"));
        body
    }

    /// It is text with this status that says this.
    #[track_caller]
    pub(crate) fn says(self, status: u16, text: &str) -> Self {
        let answer = self.is(status);
        assert!(answer.text().contains(text), "{}", answer.text());
        answer
    }

    /// The key that an exchange gave.
    #[track_caller]
    pub(crate) fn key(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.text());
        self.json()["rubygems_api_key"].as_str().unwrap().to_owned()
    }
}

/// Sends a request.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        body: response.bytes().await.unwrap().to_vec(),
    }
}
