//! What servers and clients of every measurement and scene prove. None of it is secret: the server's and the client's
//! keys stand in 26/CURVEZMQ as examples.

/// The server's public key, in Z85.
pub const SERVER_PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
/// The server's secret key, in Z85.
pub const SERVER_SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
/// The client's public key, in Z85.
pub const CLIENT_PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
/// The same as a handler of ZAP sees it.
pub const CLIENT_PUBLIC_OCTETS: [u8; 32] = [
    0xbb, 0x88, 0x47, 0x1d, 0x65, 0xe2, 0x65, 0x9b, 0x30, 0xc5, 0x5a, 0x53, 0x21, 0xce, 0xbb, 0x5a, 0xab, 0x2b, 0x70,
    0xa3, 0x98, 0x64, 0x5c, 0x26, 0xdc, 0xa2, 0xb2, 0xfc, 0xb4, 0x3f, 0xc5, 0x18,
];
/// The client's secret key, in Z85.
pub const CLIENT_SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
/// The public key of a client that nobody knows, in Z85.
pub const STRANGER_PUBLIC: &str = "TV*lkb5}mYZ}3JuzAjUKLjI[R0o<<7bL9^A1j4-[";
/// Its secret key, in Z85.
pub const STRANGER_SECRET: &str = "T)-JR.oVt{Gy5oGdg{9kP^0</enWeXp2u0BqG+2r";
/// The client's user name, and the stranger's.
pub const USERNAME: &str = "admin";
/// The client's password.
pub const PASSWORD: &str = "secret";
/// What a stranger says instead.
pub const GUESS: &str = "guess";

/// Whose keys and password a client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Client {
    /// The one that every server knows.
    #[default]
    Known,
    /// One that no handler of ZAP admits.
    Stranger,
}

impl Client {
    /// Public and secret key, in Z85.
    #[must_use]
    pub fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Known => (CLIENT_PUBLIC, CLIENT_SECRET),
            Self::Stranger => (STRANGER_PUBLIC, STRANGER_SECRET),
        }
    }

    /// What it says as password of [`USERNAME`].
    #[must_use]
    pub fn password(self) -> &'static str {
        match self {
            Self::Known => PASSWORD,
            Self::Stranger => GUESS,
        }
    }
}
